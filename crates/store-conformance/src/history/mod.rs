//! What several tasks did beside each other, and whether some order of it makes sense.
//!
//! A store is linearizable when each call can be given one moment between its beginning and its end, so that in the
//! order of these moments every answer is the one that the [model](Model) gives.

#![expect(clippy::panic, clippy::expect_used, reason = "a test kit fails by panicking")]

mod model;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{ChangeSet, Lookup, Snapshot, Store};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};
use tokio::task::yield_now;

use crate::make::{Build, event};
use crate::trial::{Trial, race};
use crate::wrappers::{Answer, Call, Entry, RecordingStore, Step};
use model::Model;

/// Few enough that every order of them can be tried.
const TASKS: usize = 4;

/// One of the tasks of a history.
#[derive(Clone)]
pub(crate) struct Task {
    store: Arc<RecordingStore>,
    drawn: u64,
    number: u64,
}

impl Task {
    /// A number below `end`, as good as random.
    pub(crate) fn draw(&mut self, end: u64) -> u64 {
        self.drawn = self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.drawn >> 33) % end
    }

    /// A number that no other task draws.
    pub(crate) fn draw_own(&mut self) -> u32 {
        let own = self.draw(1 << 20) * 8 + self.number;
        u32::try_from(own).expect("it has 23 bits")
    }

    pub(crate) async fn load(&self, lookup: &Lookup) -> Option<Snapshot> {
        yield_now().await;
        self.store.load(lookup).await.expect("load")
    }

    pub(crate) async fn session(&self, at: SessionRef) -> Option<SessionSnapshot> {
        yield_now().await;
        self.store.session(at).await.expect("session")
    }

    pub(crate) async fn epoch(&self) {
        self.store.epoch().await.expect("epoch");
    }

    /// Commits; the answer is in the history.
    pub(crate) async fn commit(&self, set: ChangeSet) {
        yield_now().await;
        // By its event it can be told whether a set was applied.
        let _ = self.store.commit(&set.tell(event(0))).await;
    }
}

/// After `first` is committed, runs the tasks beside each other, then loads `last`, and finds an order.
pub(crate) async fn check<F, Fut>(on: &Trial, first: ChangeSet, task: F, last: &[Lookup])
where
    F: Fn(Task) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut model = Model::new(on.epoch().await);
    model.commit(&first).expect("what a history begins with can be applied");
    on.ok(&first).await;
    let store = Arc::new(RecordingStore::new(Arc::clone(on.store())));
    let number = u64::from_be_bytes(first.id.as_bytes()[8..].try_into().expect("eight bytes"));
    let one = |index: usize| {
        let index = index as u64;
        Task { store: Arc::clone(&store), drawn: number.wrapping_mul(8) + index, number: index }
    };
    let awake = Arc::new(AtomicUsize::new(0));
    race(TASKS, |index| {
        let (awake, task) = (Arc::clone(&awake), task(one(index)));
        async move {
            // A store that never waits has done all of a task before the next one is awake.
            awake.fetch_add(1, Ordering::Relaxed);
            while awake.load(Ordering::Relaxed) < TASKS {
                yield_now().await;
            }
            task.await;
        }
    })
    .await;
    for lookup in last {
        one(TASKS).load(lookup).await;
    }
    let history = settled(on, store.history()).await;
    assert!(
        is_linearizable(model, &history),
        "no order of these calls makes sense:{}",
        shown(&history)
    );
}

/// Notes the sets that were applied. Where calls fail and are made again, a set that was applied may have been overtaken
/// when it came again, and was refused then: its event tells.
async fn settled(on: &Trial, mut history: Vec<Entry>) -> Vec<Entry> {
    let told = if on.is_faulty() { on.all_events().await } else { Vec::new() };
    let mut sets = BTreeMap::new();
    for Entry { call, step } in &mut history {
        match step {
            Step::Invoked(Call::Commit(set)) => {
                sets.insert(*call, set.clone());
            }
            Step::Returned(answer @ (Answer::Committed | Answer::Refused(_))) => {
                let set = sets.get(call).expect("a commit");
                if told.iter().any(|stored| set.events.contains(&stored.event)) {
                    *answer = Answer::Committed;
                }
                if *answer == Answer::Committed {
                    on.note(set);
                }
            }
            Step::Returned(Answer::Failed(kind)) => panic!("a call failed: {kind}"),
            _ => {}
        }
    }
    history
}

/// A model on its way through a history. The tester tries every order; one that leads with the same calls to where
/// another one led before ends as that one did, so it is not tried again.
#[derive(Clone)]
struct Search {
    model: Model,
    /// A bit for each call that was made.
    made: u128,
    been: Arc<Mutex<HashMap<u128, Vec<Model>>>>,
}

impl SequentialSpec for Search {
    type Op = (usize, Call);
    type Ret = Answer;

    fn invoke(&mut self, (_, call): &Self::Op) -> Answer {
        self.model.invoke(call)
    }

    fn is_valid_step(&mut self, (place, call): &Self::Op, answer: &Answer) -> bool {
        if self.model.invoke(call) != *answer {
            return false;
        }
        self.made |= 1 << place;
        let mut been = self.been.lock().unwrap_or_else(PoisonError::into_inner);
        let been = been.entry(self.made).or_default();
        let is_new = !been.contains(&self.model);
        if is_new {
            been.push(self.model.clone());
        }
        is_new
    }
}

fn is_linearizable(model: Model, history: &[Entry]) -> bool {
    let been = Arc::default();
    let mut tester = LinearizabilityTester::new(Search { model, made: 0, been });
    // The tester thinks in threads, each with one call at a time: a call takes the first that is free.
    let mut threads: Vec<Option<usize>> = Vec::new();
    let mut calls = 0;
    for Entry { call, step } in history {
        let wanted = if let Step::Invoked(_) = step { None } else { Some(*call) };
        let thread = threads.iter().position(|running| *running == wanted).unwrap_or_else(|| {
            threads.push(None);
            threads.len() - 1
        });
        let (running, step) = match step {
            Step::Invoked(what) => {
                calls += 1;
                (Some(*call), tester.on_invoke(thread, (calls, what.clone())))
            }
            Step::Returned(answer) => (None, tester.on_return(thread, answer.clone())),
        };
        step.expect("a thread has one call at a time");
        if let Some(thread) = threads.get_mut(thread) {
            *thread = running;
        }
    }
    assert!(calls < 128, "a bit for each");
    tester.is_consistent()
}

fn shown(history: &[Entry]) -> String {
    history.iter().fold(String::new(), |mut shown, Entry { call, step }| {
        write!(shown, "\n{call}: {step:?}").expect("a string takes all");
        shown
    })
}
