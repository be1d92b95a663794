//! Looks for an order in which calls that were under way at the same time make sense: each takes effect at one moment
//! between its beginning and its end (linearizability). One of unknown fate may take effect at any later time, or never.
//!
//! It walks through all orders, and remembers where it has been: the same calls that led to the same state need not be
//! tried again. A call that never changes anything, and could have been answered so here, has its place here, which is as good
//! as any later one; one of unknown fate that would change nothing here has not. The looks at the end are at one moment, when
//! nobody calls any more: nothing takes effect between them. Stateright's tester copies the history at
//! each step, which is too slow for a hundred thousand of them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::history::{Answer, Call, End, History, Op};
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

/// Whether it changes nothing wherever it stands: it verified, or it was refused. (A reused refresh token is refused as well, and
/// ends its session; but then the model changes.)
const fn only_asks(op: &Op) -> bool {
    matches!(op.call, Call::Verify { .. }) || matches!(op.end, End::Answered(_, Answer::No(_)))
}

impl Search<'_> {
    fn from(&mut self, model: &Model, made: Made) -> bool {
        let left =
            |place: usize| made.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 0);
        let places: Vec<usize> = (0..self.ops.len()).filter(|place| left(*place)).collect();
        let op = |place: usize| self.ops.get(place).map(|(_, op)| *op);
        let looks = |place| op(place).is_some_and(|op| matches!(op.call, Call::Look(_)));
        let looked = (0..self.ops.len()).any(|place| looks(place) && !left(place));
        let first_end = places.iter().filter_map(|place| op(*place)).map(returned).min();
        let Some(first_end) = first_end.filter(|end| *end != usize::MAX) else {
            // All that was answered has its place.
            return true;
        };
        let may_be_next = |place: &usize| {
            let (number, op) = self.ops.get(*place).copied()?;
            let too_late = op.began > first_end || (looked && op.end == End::Unknown);
            let next = if too_late { None } else { model.after(number, op) };
            Some((*place, number, op, next?))
        };
        let mut nexts: Vec<_> = places.iter().filter_map(may_be_next).collect();
        nexts.retain(|(.., op, next)| op.end != End::Unknown || next != model);
        let takes_no_part = |(.., op, next): &(_, _, &Op, Model)| next == model && only_asks(op);
        if let Some(at) = nexts.iter().position(takes_no_part) {
            nexts = vec![nexts.swap_remove(at)];
        }
        for (place, number, _, next) in nexts {
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

#[cfg(test)]
mod tests {
    use authcore::account::{AccountId, SessionId};
    use authcore::session::SessionRef;
    use authcore::{Clock as _, Policy};
    use authcore_testkit::ManualClock;

    use super::*;
    use crate::faults::Proposed;
    use crate::history::{Key, Kind, Seen};

    const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

    /// Two logins of one player: the second begins when the first has ended, or before.
    fn two_logins(beside_each_other: bool, counted: [u64; 2]) -> bool {
        let mut history = History::default();
        let now = ManualClock::default().now();
        let key = Key { kind: Kind::Device, number: 0 };
        let begin =
            |history: &mut History| history.begin(0, Call::Login { key, password: None }, now);
        let end = |history: &mut History, number: usize, logins: u64| {
            let session = SessionId::from_bytes([u8::try_from(number).unwrap(); 16]);
            let created = logins == 1;
            let account = created.then_some(ACCOUNT);
            let who = SessionRef { account: ACCOUNT, session };
            let answer = Answer::In { who, created, logins };
            history.end(number, Proposed { account, session: Some(session) }, Some(Ok(answer)));
        };
        let first = begin(&mut history);
        let [of_first, of_second] = counted;
        if beside_each_other {
            let second = begin(&mut history);
            end(&mut history, first, of_first);
            end(&mut history, second, of_second);
        } else {
            end(&mut history, first, of_first);
            let second = begin(&mut history);
            end(&mut history, second, of_second);
        }
        find(&Model::new(Policy::gamebase()), &history).is_ok()
    }

    #[test]
    fn calls_beside_each_other_may_have_any_order_and_no_others() {
        assert!(two_logins(false, [1, 2]));
        assert!(two_logins(true, [1, 2]) && two_logins(true, [2, 1]));
        assert!(!two_logins(false, [2, 1]), "the second began when the first had ended");
        assert!(!two_logins(true, [1, 1]) && !two_logins(true, [2, 2]), "one of them was lost");
    }

    #[test]
    fn nothing_takes_effect_between_the_looks() {
        let seen = |counted: [u64; 2]| {
            let mut history = History::default();
            let now = ManualClock::default().now();
            let key = Key { kind: Kind::Device, number: 0 };
            let sessions = [1, 2].map(|number| SessionId::from_bytes([number; 16]));
            let [first, second] = sessions;
            let whose = |session| SessionRef { account: ACCOUNT, session };

            let ids = Proposed { account: Some(ACCOUNT), session: Some(first) };
            let number = history.begin(0, Call::Login { key, password: None }, now);
            let answer = Answer::In { who: whose(first), created: true, logins: 1 };
            history.end(number, ids, Some(Ok(answer)));
            let number = history.begin(0, Call::Login { key, password: None }, now);
            history.end(number, Proposed { account: None, session: Some(second) }, None);
            for logins in counted {
                let open = sessions.iter().zip(0..logins).map(|(id, _)| (whose(*id), 0)).collect();
                let answer = Answer::Seen(Seen {
                    keys: vec![(1, key)],
                    password: false,
                    banned: false,
                    withdrawn: false,
                    logins,
                    sessions: open,
                });
                let number = history.begin(0, Call::Look(ACCOUNT), now);
                history.end(number, Proposed::default(), Some(Ok(answer)));
            }
            find(&Model::new(Policy::gamebase()), &history).is_ok()
        };
        assert!(seen([1, 1]), "the login of unknown fate was not done");
        assert!(seen([2, 2]), "it was");
        assert!(!seen([1, 2]) && !seen([2, 1]), "both");
    }
}
