//! Change sets that were told to be of unknown fate. Whoever hands one over again is not told that it lost a race where
//! it may have been applied and written over.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use authcore::account::CommitId;

/// The latest of them.
#[derive(Default)]
pub(crate) struct Doubts(Mutex<VecDeque<CommitId>>);

/// Far more than are handed over at once.
const LATEST: usize = 1024;

impl Doubts {
    /// What became of a set: it is in doubt from now on, or no more.
    pub(crate) fn note(&self, id: CommitId, in_doubt: bool) {
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.retain(|other| *other != id);
        if in_doubt {
            if doubts.len() == LATEST {
                doubts.pop_front();
            }
            doubts.push_back(id);
        }
    }

    pub(crate) fn hold(&self, id: CommitId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_each_once() {
        let doubts = Doubts::default();
        let id = |number: u128| CommitId::from_bytes(number.to_be_bytes());
        for number in 0..1024 {
            doubts.note(id(number), true);
        }
        doubts.note(id(0), true);
        assert!(doubts.hold(id(1)));
        doubts.note(id(2000), true);
        assert!(doubts.hold(id(0)) && !doubts.hold(id(1)) && doubts.hold(id(2000)));
        doubts.note(id(0), false);
        assert!(!doubts.hold(id(0)));
    }
}
