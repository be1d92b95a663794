//! One run of a simulation: everything in it follows from its seed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use authcore::event::EventCursor;
use authcore::policy::Rate;
use authcore::session::SessionRef;
use authcore::store::{Lookup, Store};
use authcore::transfer::{Characters, KeyFormat, TransferRules};
use authcore::{Clock as _, Engine, MasterKey, Policy};
use authcore_store_memory::MemoryStore;
use authcore_testkit::{CheapHasher, ManualClock, SeededRandom};
use authcore_verifiers::verifier_fn;
use chrono::{DateTime, TimeDelta, Utc};
use futures_executor::block_on;

use crate::disk::{self, Disk};
use crate::draw::Draw;
use crate::faults::{Counts, Death, FarStore, Network, Proposed};
use crate::history::{Answer, Answers, Call, End, History, Op, PORTAL, Seen};
use crate::model::Model;
use crate::player::{Client, Memory, Rumours};
use crate::scheduler::{self, Task};
use crate::{order, outbox};

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// A digest of all that was asked, answered and kept: of two runs of one seed it is the same.
    pub digest: u64,
    /// What happened.
    pub counts: Counts,
    /// What clients were told.
    pub answers: Answers,
    /// What must not be; none when all is well.
    pub violation: Option<String>,
}

/// Runs the simulation of this seed.
///
/// # Panics
///
/// When a store cannot be opened or read.
#[must_use]
pub fn run(seed: u64) -> Report {
    let mut draw = Draw::new(seed);
    let policy = policy(&mut draw);
    let clients = 3 + draw.below(4);
    let network = Arc::new(Network::new(draw.number(), clients));
    let mut world = World {
        seed,
        policy: policy.clone(),
        clock: ManualClock::default(),
        network,
        history: RefCell::default(),
        rumours: RefCell::default(),
        clients: (0..clients).map(|_| Player::new(&mut draw)).collect(),
    };
    // Opening a file takes as long as a run on the memory store.
    let store = if draw.happens(200) {
        world.live_on_disk(&mut draw)
    } else {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        world.live(0, &store, None, &mut draw);
        store
    };
    let violation = world.judge(&store, &Model::new(policy)).err();
    let history = world.history.borrow();
    let (digest, counts, answers) = (history.digest(), world.network.counts(), history.answers());
    Report { digest, counts, answers, violation }
}

/// The policies that differ most in what ends sessions, with nothing in them that the model does not know.
fn policy(draw: &mut Draw) -> Policy {
    let preset = if draw.happens(500) { Policy::gamebase() } else { Policy::recommended() };
    let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    let often = Rate { limit: 1000, window: TimeDelta::minutes(10) };
    Policy {
        session_idle: TimeDelta::hours(1),
        session_absolute: TimeDelta::hours(3),
        sessions_per_account: 3,
        carry_ban: None,
        step_up: None,
        login_events: true,
        password_attempts: often,
        transfer_attempts: often,
        transfer: Some(TransferRules {
            id: digits,
            password: Some(digits),
            one_time: true,
            lifetime: None,
            lock: None,
            not_before: None,
        }),
        ..preset
    }
}

/// A client outside of a life of the process.
struct Player {
    memory: RefCell<Memory>,
    draw: RefCell<Draw>,
}

impl Player {
    fn new(draw: &mut Draw) -> Self {
        let turns = u32::try_from(6 + draw.below(10)).unwrap_or_default();
        Self {
            memory: RefCell::new(Memory::new(turns)),
            draw: RefCell::new(Draw::new(draw.number())),
        }
    }
}

struct World {
    seed: u64,
    policy: Policy,
    clock: ManualClock,
    network: Arc<Network>,
    history: RefCell<History>,
    rumours: RefCell<Rumours>,
    clients: Vec<Player>,
}

impl World {
    /// The process on a SQLite file: it dies up to three times, and begins again with what it left behind.
    fn live_on_disk(&mut self, draw: &mut Draw) -> Arc<dyn Store> {
        let disk = Arc::new(Disk::new());
        let mut path = disk.fresh();
        let mut life = 0;
        loop {
            let death = Arc::new(Death::new(Arc::clone(&disk), path));
            let dying = Arc::clone(&death);
            let store = disk::open(death.path(), Arc::new(move |_| dying.step()));
            if life < 3 {
                death.comes_in(draw.number() % 150);
            }
            self.live(life, &store, Some(&death), draw);
            match death.left() {
                Some(left) => {
                    self.network.count(|counts| counts.deaths += 1);
                    path = left;
                    life += 1;
                }
                None => return store,
            }
        }
    }

    /// One life of the process: until all clients are done, or it dies.
    fn live(&self, life: u64, inner: &Arc<dyn Store>, death: Option<&Arc<Death>>, draw: &mut Draw) {
        let far = FarStore {
            inner: Arc::clone(inner),
            network: Arc::clone(&self.network),
            death: death.cloned(),
        };
        // No two lives draw the same ids.
        let engine = self.engine(Arc::new(far), self.seed ^ (life << 48));
        let clients: Vec<_> = (0..).zip(&self.clients).map(|it| self.client(it, &engine)).collect();
        let tasks = clients.iter().map(|client| -> Task<'_> { Box::pin(client.play()) }).collect();
        scheduler::run(tasks, &self.network.running, draw, |draw| {
            self.move_clock(draw);
            death.is_none_or(|death| death.left().is_none())
        });
        clients.iter().for_each(Client::hang_up);
    }

    fn client<'a>(
        &'a self,
        (number, player): (usize, &'a Player),
        engine: &'a Engine,
    ) -> Client<'a> {
        Client {
            number,
            engine,
            clock: &self.clock,
            network: &self.network,
            history: &self.history,
            rumours: &self.rumours,
            memory: &player.memory,
            draw: &player.draw,
        }
    }

    fn engine(&self, store: Arc<dyn Store>, seed: u64) -> Engine {
        let portal = verifier_fn(PORTAL, |credential, context| async move {
            Ok(context.identity(credential.reveal()))
        });
        let portal = portal.expect("the name is one");
        let key = MasterKey::new(b"a signing key of a simulation, and no secret").expect("a key");
        let builder = Engine::builder_on("simulation", store)
            .signing_key(key)
            .clock(self.clock.clone())
            .hasher(CheapHasher::new())
            .random(SeededRandom::new(seed))
            .policy(self.policy.clone())
            .verifier(portal);
        block_on(builder.open()).expect("the engine opens")
    }

    /// Moves the clock now and then: a little, past the grace window, past a token's life, or back; within 20 hours, so
    /// that no ticket is forgotten.
    fn move_clock(&self, draw: &mut Draw) {
        if !draw.happens(60) {
            return;
        }
        let millis = match draw.below(10) {
            0..6 => draw.within(1..3_000),
            6..8 => draw.within(9_000..12_000),
            8 => draw.within(60_000..1_500_000),
            _ => -draw.within(1..30_000),
        };
        let start = ManualClock::default().now();
        let now = self.clock.now() + TimeDelta::milliseconds(millis);
        self.network.count(|counts| counts.steps_back += u64::from(millis < 0));
        self.clock.set(now.clamp(start, start + TimeDelta::hours(20)));
    }

    /// Looks at what is left, and at whether all that was answered can be true.
    fn judge(&mut self, store: &Arc<dyn Store>, model: &Model) -> Result<(), String> {
        if let Some(violation) = self.rumours.borrow().violations.first() {
            return Err(violation.clone());
        }
        let events = block_on(store.events(EventCursor::START, u32::MAX)).expect("the outbox");
        let mut seen = Vec::new();
        let mut history = self.history.borrow_mut();
        for id in outbox::accounts(&events) {
            let found = block_on(store.load(&Lookup::Id(id))).expect("the account");
            let Some(snapshot) = found else {
                return Err(format!("{id} is told of and not there"));
            };
            seen.push((id, Seen::of(&snapshot)));
            let number = history.begin(0, Call::Look(id), self.clock.now());
            let answer = Answer::Seen(Seen::of(&snapshot));
            history.end(number, Proposed::default(), Some(Ok(answer)));
        }
        one_owner(&seen)?;
        revoked_stays_revoked(&history)?;
        outbox::check(&events, &seen)?;
        order::find(model, &history).map(drop).map_err(|longest| shown(&history, &longest))
    }
}

/// An identity has one owner.
fn one_owner(seen: &[(authcore::account::AccountId, Seen)]) -> Result<(), String> {
    let mut owners = BTreeMap::new();
    for (id, seen) in seen {
        for (_, key) in &seen.keys {
            if let Some(other) = owners.insert(*key, *id) {
                return Err(format!("{key:?} belongs to {other} and to {id}"));
            }
        }
    }
    Ok(())
}

/// No token is good after the end of its session was acknowledged.
fn revoked_stays_revoked(history: &History) -> Result<(), String> {
    let acknowledged = |op: &Op| match &op.end {
        End::Answered(at, Answer::Done) => Some(*at),
        _ => None,
    };
    for end in &history.ops {
        let Some(ended) = acknowledged(end) else { continue };
        let ends = |who: &SessionRef| match &end.call {
            Call::Logout(session) => session == who,
            // Sessions that were there before it began.
            Call::LogoutEverywhere(SessionRef { account, .. })
            | Call::Withdraw(SessionRef { account, .. })
            | Call::Ban { account, .. } => {
                *account == who.account && opened_before(history, *who, end.began)
            }
            _ => false,
        };
        for op in history.ops.iter().filter(|op| op.began > ended) {
            if let Call::Verify { who, .. } = &op.call
                && acknowledged(op).is_some()
                && ends(who)
            {
                return Err(format!("a token was good after its end: {op:?} after {end:?}"));
            }
        }
    }
    Ok(())
}

fn opened_before(history: &History, session: SessionRef, step: usize) -> bool {
    history.ops.iter().any(|op| match &op.end {
        End::Answered(at, Answer::In { who, .. }) => *who == session && *at < step,
        _ => false,
    })
}

/// The history, with the calls that had a place in the longest order that was found.
fn shown(history: &History, longest: &[usize]) -> String {
    let start: DateTime<Utc> = ManualClock::default().now();
    let mut shown =
        String::from("no order of these calls makes sense (* has a place in the longest):");
    for (number, op) in history.ops.iter().enumerate() {
        let mark = if longest.contains(&number) { '*' } else { ' ' };
        let at = (op.now - start).num_milliseconds();
        let Op { client, call, began, end, ids, .. } = op;
        let _ = write!(shown, "\n{mark}{number} client {client} at {at} ms: {began} {call:?}");
        let _ = write!(shown, "\n      {end:?} {ids:?}");
    }
    let proposed = |op: &Op| (op.ids.account, op.ids.session);
    let (accounts, sessions): (Vec<_>, Vec<_>) = history.ops.iter().map(proposed).unzip();
    let accounts = accounts.into_iter().flatten().map(|id| format!("{id:?}"));
    let sessions = sessions.into_iter().flatten().map(|id| format!("{id:?}"));
    for (number, id) in accounts.enumerate() {
        shown = shown.replace(&id, &format!("A{number}"));
    }
    for (number, id) in sessions.enumerate() {
        shown = shown.replace(&id, &format!("S{number}"));
    }
    shown.replace("Proposed { account: None, session: None }", "")
}
