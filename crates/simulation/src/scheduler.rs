use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use crate::draw::Draw;

/// A client under way.
pub(crate) type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Polls the tasks on this thread, each time one that the seed names, until all are done or `goes_on` says no, which is
/// asked after each poll. `running` says whose turn it is. Nothing wakes a task: what waits, waits for its turn only.
pub(crate) fn run(
    mut tasks: Vec<Task<'_>>,
    running: &AtomicUsize,
    draw: &mut Draw,
    mut goes_on: impl FnMut(&mut Draw) -> bool,
) {
    let mut under_way: Vec<(usize, &mut Task<'_>)> = tasks.iter_mut().enumerate().collect();
    let mut context = Context::from_waker(Waker::noop());
    while !under_way.is_empty() {
        let place = draw.below(under_way.len());
        let Some((number, task)) = under_way.get_mut(place) else { return };
        running.store(*number, Ordering::Relaxed);
        if task.as_mut().poll(&mut context).is_ready() {
            under_way.swap_remove(place);
        }
        if !goes_on(draw) {
            return;
        }
    }
}

/// Lets others go first, so many times.
pub(crate) async fn give_way(mut times: u64) {
    poll_fn(|_| match times.checked_sub(1) {
        None => Poll::Ready(()),
        Some(left) => {
            times = left;
            Poll::Pending
        }
    })
    .await;
}
