use std::collections::{HashSet, VecDeque};

use authcore::account::CommitId;

/// How many are remembered. A commit of unknown fate is handed over again within seconds, before so many others.
const CAPACITY: usize = 4096;

/// The latest change sets that removed something or wrote no document: they leave nothing behind that could name them.
#[derive(Default)]
pub(crate) struct Recent {
    order: VecDeque<CommitId>,
    ids: HashSet<CommitId>,
}

impl Recent {
    pub(crate) fn contains(&self, id: CommitId) -> bool {
        self.ids.contains(&id)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = CommitId> {
        self.order.iter().copied()
    }

    pub(crate) fn insert(&mut self, id: CommitId) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let id = |number: usize| CommitId::from_bytes((number as u128).to_be_bytes());
        let mut recent = Recent::default();
        for number in 0..=CAPACITY {
            recent.insert(id(number));
        }
        assert!(!recent.contains(id(0)));
        assert!(recent.contains(id(1)));
        assert!(recent.contains(id(CAPACITY)));
        assert_eq!(recent.order.len(), recent.ids.len());
    }
}
