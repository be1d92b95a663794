use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A bounded queue from tasks to threads. A task waits without blocking while there is no place; a thread takes all
/// that waits at once.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    jobs: VecDeque<T>,
    /// Tasks that wait for a place.
    waiting: Vec<Waker>,
    /// Threads that wait for a job. Without one, no wake-up call (a system call) is made.
    sleeping: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                waiting: Vec::new(),
                sleeping: 0,
                closed: false,
            }),
            filled: Condvar::new(),
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, as soon as there is a place for it.
    pub(crate) async fn push(&self, job: T) {
        let mut job = Some(job);
        poll_fn(move |context| {
            let mut state = self.lock();
            if state.jobs.len() >= self.capacity {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            state.jobs.extend(job.take());
            let wake = state.sleeping > 0;
            drop(state);
            if wake {
                self.filled.notify_one();
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Moves what waits, at most `limit`, into `jobs`, and blocks while nothing does; false when the queue is closed
    /// and empty.
    pub(crate) fn take(&self, jobs: &mut Vec<T>, limit: usize) -> bool {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return false;
            }
            state.sleeping += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
        Self::drain(state, jobs, limit);
        true
    }

    fn drain(mut state: MutexGuard<'_, State<T>>, jobs: &mut Vec<T>, limit: usize) {
        let count = state.jobs.len().min(limit);
        jobs.extend(state.jobs.drain(..count));
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for waker in waiting {
            waker.wake();
        }
    }

    /// Lets the threads go once they have done what waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }
}
