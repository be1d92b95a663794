//! A state: what the store holds, what the people of the small game know, and what a rule must remember of the way here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use authcore::account::{Account, CommitId, Epoch, Version};
use authcore::lifecycle::settle;
use authcore::session::Activity;
use authcore::store::{ChangeSet, Snapshot, Store as _, Write};
use authcore_proof::{Action, Hands, Outcome, View, World};
use authcore_store_memory::MemoryStore;
use chrono::{DateTime, Utc};
use futures_executor::block_on;

use crate::ledger::Ledger;
use crate::rules::Broken;

/// The documents of one account. Versions are left out: every step begins with those of a store that was just filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) account: Account,
    pub(crate) activity: Activity,
    digest: u64,
}

impl Kept {
    fn new(account: Account, activity: Activity) -> Self {
        let mut hasher = DefaultHasher::new();
        serde_json::to_vec(&(&account, &activity)).unwrap().hash(&mut hasher);
        Self { account, activity, digest: hasher.finish() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) now: DateTime<Utc>,
    pub(crate) kept: Vec<Arc<Kept>>,
    pub(crate) hands: Hands,
    pub(crate) ledger: Ledger,
    /// The rule that the last step broke.
    pub(crate) broken: Option<Broken>,
    /// How often each phone was given something that random bytes make.
    draws: [u8; 2],
    /// How the accounts look. It follows from the rest.
    pub(crate) views: Vec<View>,
    /// How many steps it took. No part of what makes a state: the shortest way comes first.
    pub(crate) steps: u8,
    /// What the step that led here came to.
    pub(crate) outcome: Outcome,
    /// How often time has passed. It follows from the time.
    pub(crate) ticks: u8,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts() && self.kept == other.kept
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.parts().hash(hasher);
        self.kept.iter().for_each(|kept| kept.digest.hash(hasher));
    }
}

impl State {
    /// Nobody has played yet.
    pub(crate) fn empty() -> Self {
        Self {
            now: DateTime::from_timestamp(1_767_225_600, 0).unwrap(),
            kept: Vec::new(),
            hands: Hands::default(),
            ledger: Ledger::default(),
            broken: None,
            draws: [0; 2],
            views: Vec::new(),
            steps: 0,
            outcome: Ok(0),
            ticks: 0,
        }
    }

    fn parts(&self) -> (DateTime<Utc>, &Hands, &Ledger, Option<Broken>, [u8; 2]) {
        (self.now, &self.hands, &self.ledger, self.broken, self.draws)
    }

    /// Takes a step on the engine.
    pub(crate) fn after(&self, action: Action) -> Self {
        let seed = action.on().map_or(u64::MAX, |on| {
            let draws = self.draws.get(on.index()).copied().unwrap_or_default();
            1000 * on.index() as u64 + u64::from(draws)
        });
        let (outcome, mut next) = block_on(async {
            let mut world = World::on(Arc::new(self.store().await), seed, self.hands.clone()).await;
            world.set(self.now);
            let outcome = world.act(action).await;
            (outcome, self.read(&world).await)
        });
        if matches!(action, Action::Pass(_)) {
            next.ticks += 1;
        }
        if let Some(on) = action.on()
            && next.hands != self.hands
            && let Some(draws) = next.draws.get_mut(on.index())
        {
            *draws += 1;
        }
        next.judge(self, action, outcome);
        next
    }

    /// A store that holds the accounts.
    async fn store(&self) -> MemoryStore {
        let store = MemoryStore::new();
        let insert = |kept: &Arc<Kept>| Write::InsertAccount {
            account: Box::new(kept.account.clone()),
            activity: Arc::new(kept.activity.clone()),
        };
        let writes = self.kept.iter().map(insert).collect();
        let id = CommitId::from_bytes([0; 16]);
        let change = ChangeSet { id, require: Vec::new(), writes, events: Vec::new() };
        store.commit(&change).await.unwrap();
        store
    }

    /// What the store holds after a step.
    async fn read(&self, world: &World) -> Self {
        let mut kept = Vec::with_capacity(world.hands.accounts.len());
        for account in 0..world.hands.accounts.len() {
            let Snapshot { account: document, activity, .. } = world.kept(account).await;
            let before = self.kept.get(account);
            kept.push(match before {
                Some(same) if same.account == document && same.activity == activity => {
                    Arc::clone(same)
                }
                _ => Arc::new(Kept::new(document, activity)),
            });
        }
        let hands = world.hands.clone();
        let now = world.now();
        let views = kept.iter().map(|kept| view(kept, &hands, now)).collect();
        Self { now, kept, hands, views, steps: self.steps + 1, broken: None, ..self.clone() }
    }

    /// Remembers what the step means, and what it broke.
    fn judge(&mut self, before: &Self, action: Action, outcome: Outcome) {
        let mut ledger = before.ledger.clone();
        self.broken = ledger.judge(before, self, action, outcome);
        self.ledger = ledger;
        self.outcome = outcome;
    }

    /// An account as time has made it.
    pub(crate) fn settled(&self, account: usize) -> Option<Account> {
        let mut account = self.kept.get(account)?.account.clone();
        settle(&mut account, self.now);
        Some(account)
    }
}

fn view(kept: &Kept, hands: &Hands, now: DateTime<Utc>) -> View {
    let snapshot = Snapshot {
        account: kept.account.clone(),
        version: Version::FIRST,
        activity: kept.activity.clone(),
        activity_version: Version::FIRST,
        store_epoch: Epoch::FIRST,
    };
    View::of(&snapshot, &hands.sessions, now)
}
