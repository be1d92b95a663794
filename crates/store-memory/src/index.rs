use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hash};

use authcore::account::AccountId;

/// Finds the accounts that may hold a key. It keeps the key's hash only: the key itself is in the account already, and
/// whoever asks compares it there.
#[derive(Default)]
pub(crate) struct Index {
    hasher: RandomState,
    by_hash: HashMap<u64, Owners>,
}

enum Owners {
    One(AccountId),
    /// Different keys of one hash; as good as never.
    Many(Vec<AccountId>),
}

impl Owners {
    fn as_slice(&self) -> &[AccountId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

impl Index {
    pub(crate) fn candidates<K: Hash + ?Sized>(&self, key: &K) -> &[AccountId] {
        self.by_hash.get(&self.hasher.hash_one(key)).map_or(&[], Owners::as_slice)
    }

    pub(crate) fn insert<K: Hash + ?Sized>(&mut self, key: &K, id: AccountId) {
        match self.by_hash.entry(self.hasher.hash_one(key)) {
            Entry::Vacant(vacant) => {
                vacant.insert(Owners::One(id));
            }
            Entry::Occupied(mut occupied) => {
                let owners = occupied.get().as_slice();
                if !owners.contains(&id) {
                    let more = owners.iter().copied().chain([id]).collect();
                    occupied.insert(Owners::Many(more));
                }
            }
        }
    }

    pub(crate) fn remove<K: Hash + ?Sized>(&mut self, key: &K, id: AccountId) {
        if let Entry::Occupied(mut occupied) = self.by_hash.entry(self.hasher.hash_one(key)) {
            let mut left = occupied.get().as_slice().to_vec();
            left.retain(|owner| *owner != id);
            match left.as_slice() {
                [] => {
                    occupied.remove();
                }
                [one] => {
                    occupied.insert(Owners::One(*one));
                }
                _ => {
                    occupied.insert(Owners::Many(left));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    /// All its values share one hash.
    struct Colliding;

    impl Hash for Colliding {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u8(0);
        }
    }

    #[test]
    fn keys_of_one_hash_are_all_found() {
        let ids = [1, 2, 3].map(|n| AccountId::from_bytes([n; 16]));
        let [a, b, c] = ids;
        let mut index = Index::default();
        for id in [a, b, c, b] {
            index.insert(&Colliding, id);
        }
        assert_eq!(index.candidates(&Colliding), ids);
        index.remove(&Colliding, b);
        assert_eq!(index.candidates(&Colliding), [a, c]);
        index.remove(&Colliding, a);
        assert_eq!(index.candidates(&Colliding), [c]);
        index.remove(&Colliding, c);
        assert!(index.candidates(&Colliding).is_empty());
        assert!(index.by_hash.is_empty());
    }
}
