//! What waits for one of a few workers, each of which takes all that there is.

use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// How much one worker takes at once.
const AT_ONCE: usize = 128;

pub(crate) struct Queue<T>(Mutex<UnboundedReceiver<T>>);

impl<T> Queue<T> {
    /// Bounded by those who wait for the answers.
    pub(crate) fn new() -> (UnboundedSender<T>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self(Mutex::new(receiver)))
    }

    /// Waits for something, and takes what else there is. False when nothing will come any more.
    pub(crate) async fn take(&self, into: &mut Vec<T>) -> bool {
        self.0.lock().await.recv_many(into, AT_ONCE).await > 0
    }

    /// Takes what there is; nothing while another worker waits.
    pub(crate) fn take_more(&self, into: &mut Vec<T>) {
        if let Ok(mut waiting) = self.0.try_lock() {
            while into.len() < AT_ONCE
                && let Ok(next) = waiting.try_recv()
            {
                into.push(next);
            }
        }
    }
}
