//! What waits for one of a few workers, each of which takes all that there is.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How much one worker takes at once.
const AT_ONCE: usize = 128;
/// How often, at most, a worker lets the other tasks go on before it works.
const YIELDS: u32 = 16;
/// It works when nobody came so many times.
const IDLE_YIELDS: u32 = 3;
/// How long the next worker waits for one that is at work. What comes meanwhile it takes together, which is cheaper;
/// what takes longer, be it for a lock or a slow disk, is not to hold up the others. Nor does a worker let others go on for
/// longer where they have much to do.
pub(crate) const LONG: Duration = Duration::from_millis(5);

pub(crate) struct Queue<T>(Mutex<UnboundedReceiver<T>>);

/// Keeps the next worker waiting.
pub(crate) type Turn<'q, T> = MutexGuard<'q, UnboundedReceiver<T>>;

impl<T> Queue<T> {
    /// Bounded by those who wait for the answers.
    pub(crate) fn new() -> (UnboundedSender<T>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self(Mutex::new(receiver)))
    }

    /// Waits for something, and takes what else there is. None when nothing will come any more.
    pub(crate) async fn take(&self, into: &mut Vec<T>) -> Option<Turn<'_, T>> {
        let mut waiting = self.0.lock().await;
        into.push(waiting.recv().await?);
        rest(&mut waiting, into);
        // Whoever is about to ask as well does so first: what is asked together is cheaper.
        let (begun, mut yields, mut idle) = (Instant::now(), 0, 0);
        while into.len() < AT_ONCE
            && yields < YIELDS
            && idle < IDLE_YIELDS
            && begun.elapsed() < LONG
        {
            let before = into.len();
            tokio::task::yield_now().await;
            rest(&mut waiting, into);
            yields += 1;
            idle = if into.len() == before { idle + 1 } else { 0 };
        }
        Some(waiting)
    }

    /// Takes what there is; nothing where it is another worker's turn.
    pub(crate) fn take_more(&self, into: &mut Vec<T>) -> Option<Turn<'_, T>> {
        let mut waiting = self.0.try_lock().ok()?;
        rest(&mut waiting, into);
        Some(waiting)
    }
}

fn rest<T>(waiting: &mut UnboundedReceiver<T>, into: &mut Vec<T>) {
    while into.len() < AT_ONCE
        && let Ok(next) = waiting.try_recv()
    {
        into.push(next);
    }
}

/// Works, and gives the turn on when it is done or takes long.
pub(crate) async fn in_turn<R>(
    turn: impl Sized,
    long: Duration,
    work: impl Future<Output = R>,
) -> R {
    let mut work = pin!(work);
    if let Ok(done) = tokio::time::timeout(long, &mut work).await {
        return done;
    }
    drop(turn);
    work.await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn what_comes_while_one_works_is_taken_together() {
        let (sender, queue) = Queue::new();
        sender.send(1).unwrap();
        let mut first = Vec::new();
        let turn = queue.take(&mut first).await.unwrap();
        let work = async {
            sender.send(2).unwrap();
            sender.send(3).unwrap();
            assert!(queue.take_more(&mut Vec::new()).is_none(), "it is the first one's turn");
        };
        in_turn(turn, LONG, work).await;
        let mut second = Vec::new();
        assert!(queue.take(&mut second).await.is_some());
        assert_eq!((first, second), (vec![1], vec![2, 3]));
    }

    #[tokio::test]
    async fn whoever_is_about_to_ask_is_waited_for() {
        let (sender, queue) = Queue::new();
        sender.send(1).unwrap();
        let late = async {
            for number in 2..6 {
                tokio::task::yield_now().await;
                sender.send(number).unwrap();
            }
            // Whoever takes longer to come has to wait.
            for _ in 0..=IDLE_YIELDS {
                tokio::task::yield_now().await;
            }
            sender.send(6).unwrap();
        };
        let mut taken = Vec::new();
        let (turn, ()) = tokio::join!(biased; queue.take(&mut taken), late);
        assert!(turn.is_some());
        assert_eq!(taken, [1, 2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn work_begins_though_more_and_more_come() {
        let (sender, queue) = Queue::new();
        sender.send(1).unwrap();
        let more = async {
            for number in 2..100 {
                tokio::task::yield_now().await;
                sender.send(number).unwrap();
            }
        };
        let mut taken = Vec::new();
        let (turn, ()) = tokio::join!(biased; queue.take(&mut taken), more);
        assert!(turn.is_some());
        assert_eq!(u32::try_from(taken.len()).unwrap(), YIELDS);
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "what a busy thread takes")]
    async fn work_begins_when_the_others_have_taken_long() {
        let (sender, queue) = Queue::new();
        sender.send(1).unwrap();
        let busy = async {
            for number in 2..5 {
                std::thread::sleep(LONG);
                sender.send(number).unwrap();
                tokio::task::yield_now().await;
            }
        };
        let mut taken = Vec::new();
        let (turn, ()) = tokio::join!(biased; queue.take(&mut taken), busy);
        assert!(turn.is_some());
        assert_eq!(taken, [1, 2]);
    }

    #[test]
    fn a_worker_that_has_its_hands_full_waits_for_nobody() {
        let (sender, queue) = Queue::new();
        (0..AT_ONCE).for_each(|number| sender.send(number).unwrap());
        let mut taken = Vec::new();
        {
            let take = pin!(queue.take(&mut taken));
            assert!(take.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
        assert_eq!(taken.len(), AT_ONCE);
    }

    #[tokio::test]
    async fn what_hangs_holds_nobody_up() {
        let (sender, queue) = Queue::new();
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        let hangs = async {
            let turn = queue.take_more(&mut Vec::new());
            in_turn(turn.unwrap(), LONG, pending::<()>()).await;
        };
        let mut taken = Vec::new();
        let next = async {
            sender.send(3).unwrap();
            queue.take(&mut taken).await.is_some()
        };
        tokio::select! {
            biased;
            () = hangs => unreachable!(),
            took = next => assert!(took),
        }
        assert_eq!(taken, [3]);
    }
}
