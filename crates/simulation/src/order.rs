//! Looks for an order in which calls that were under way at the same time make sense: each takes effect at one moment
//! between its beginning and its end (linearizability). One of unknown fate may take effect at any later time, or never.
//!
//! It walks through all orders, and remembers where it has been: the same calls that led to the same state need not be
//! tried again. Stateright's tester copies the history at each step, which is too slow for a hundred thousand of them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::history::{End, History, Op};
use crate::model::Model;

/// The most calls of a history.
pub(crate) const MOST: usize = 256;

type Made = [u64; MOST / 64];

struct Search<'a> {
    ops: Vec<(usize, &'a Op)>,
    been: HashSet<u64>,
    /// The longest beginning of an order, for the report.
    longest: Vec<usize>,
    path: Vec<usize>,
}

/// The history in an order that makes sense; else the numbers of the calls up to where none does.
pub(crate) fn find(model: &Model, history: &History) -> Result<Vec<usize>, Vec<usize>> {
    let did = |op: &&Op| op.end != End::Nothing;
    let mut ops: Vec<_> = history.ops.iter().enumerate().filter(|(_, op)| did(op)).collect();
    assert!(ops.len() <= MOST, "a bit for each call");
    // Those whose end is known and near first: most often the first that is tried is right.
    ops.sort_by_key(|(_, op)| returned(op));
    let mut search = Search { ops, been: HashSet::new(), longest: Vec::new(), path: Vec::new() };
    if search.from(model, Made::default()) { Ok(search.path) } else { Err(search.longest) }
}

fn returned(op: &Op) -> usize {
    match op.end {
        End::Answered(at, _) => at,
        End::Nothing | End::Unknown => usize::MAX,
    }
}

impl Search<'_> {
    fn from(&mut self, model: &Model, made: Made) -> bool {
        let left =
            |place: usize| made.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 0);
        let places: Vec<usize> = (0..self.ops.len()).filter(|place| left(*place)).collect();
        let op = |place: usize| self.ops.get(place).map(|(_, op)| *op);
        let first_end = places.iter().filter_map(|place| op(*place)).map(returned).min();
        let Some(first_end) = first_end.filter(|end| *end != usize::MAX) else {
            // All that was answered has its place.
            return true;
        };
        for place in places {
            let Some((number, op)) = self.ops.get(place).copied() else { continue };
            if op.began > first_end {
                continue;
            }
            let Some(next) = model.after(number, op) else { continue };
            let mut made = made;
            if let Some(bits) = made.get_mut(place / 64) {
                *bits |= 1 << (place % 64);
            }
            let mut hasher = DefaultHasher::new();
            (&made, &next).hash(&mut hasher);
            if !self.been.insert(hasher.finish()) {
                continue;
            }
            self.path.push(number);
            if self.path.len() > self.longest.len() {
                self.longest.clone_from(&self.path);
            }
            if self.from(&next, made) {
                return true;
            }
            self.path.pop();
        }
        false
    }
}
