//! Ends the process before each write of an operation, and looks at what the next process finds.

mod accounts;
mod logins;
mod operators;
mod readers;
mod state;
mod transfers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use authcore::account::ProviderId;
use authcore::store::{SingleUseKey, Store};
use authcore::verifier::{
    NonceIssuer, NonceScope, ProviderEvent, ProviderNotice, VerifiedIdentity, Verifier,
    VerifyContext, VerifyError,
};
use authcore::{
    Authenticated, Clock as _, Credential, Engine, Error, LoggedIn, Login, Operator, Policy,
    RequestContext, Secret,
};
use authcore_store_sqlite::StepHook;
use authcore_testkit::{Harness, ManualClock};
use chrono::{DateTime, TimeDelta, Utc};
use futures_executor::block_on;

use crate::disk::{self, Disk};
use state::State;

/// A process on a file.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
}

/// An operation that was examined.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The engine's method.
    pub method: &'static str,
    /// Where it was called.
    pub setting: &'static str,
    /// How many times the process died in it.
    pub points: usize,
}

/// Whether an operation is one change, or one for each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// All of it is there, or nothing.
    AtOnce,
    /// Each account is changed, or not.
    EachAccount,
}

/// What an operation is, besides its setting and its call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    method: &'static str,
    setting: &'static str,
    whole: Whole,
    /// What it answers once more, when it was done.
    again: &'static str,
    /// Whether it is then done once more, as a second login is.
    repeats: bool,
}

impl Operation {
    /// An operation that is one change: its method, its setting, and what it answers once more when it was done.
    pub(crate) const fn new(
        method: &'static str,
        setting: &'static str,
        again: &'static str,
    ) -> Self {
        Self { method, setting, whole: Whole::AtOnce, again, repeats: false }
    }

    /// As [`new`](Self::new), one change for each account.
    pub(crate) const fn of_each(
        method: &'static str,
        setting: &'static str,
        again: &'static str,
    ) -> Self {
        Self { whole: Whole::EachAccount, ..Self::new(method, setting, again) }
    }

    /// What is asked for twice is done twice.
    pub(crate) const fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }
}

/// The operations that were examined, and what was wrong with any of them.
#[derive(Debug)]
pub struct Exams {
    /// What was examined.
    pub examined: Vec<Examined>,
    /// The methods that were found to write nothing that is kept.
    pub readers: BTreeSet<&'static str>,
    /// What must not be.
    pub violations: Vec<String>,
    disk: Arc<Disk>,
    /// A store without accounts, to begin with.
    empty: PathBuf,
}

impl Exams {
    /// Examines every operation.
    ///
    /// # Panics
    ///
    /// When a setting cannot be made.
    #[must_use]
    pub fn all() -> Self {
        let disk = Arc::new(Disk::new());
        let empty = disk.fresh();
        drop(disk::open(&empty, Arc::new(|_| {})));
        let mut exams = Self {
            examined: Vec::new(),
            readers: BTreeSet::new(),
            violations: Vec::new(),
            disk,
            empty,
        };
        logins::examine(&mut exams);
        accounts::examine(&mut exams);
        operators::examine(&mut exams);
        transfers::examine(&mut exams);
        readers::examine(&mut exams);
        exams
    }

    /// Examines one operation: `set` makes its setting, `call` calls it and says in a word what came of it.
    #[expect(clippy::needless_pass_by_value, reason = "closures that are written in place")]
    pub(crate) fn of<S>(
        &mut self,
        operation: Operation,
        policy: &Policy,
        set: impl AsyncFn(&World) -> S,
        call: impl AsyncFn(&World, &S) -> String,
    ) {
        let set_up = self.disk.copy(&self.empty);
        let world = open(&set_up, 1, policy, Arc::new(|_| {}));
        let setting = block_on(set(&world));
        let clock = world.clock.clone();
        drop(world);
        let call_on = |path: &Path, seed, hook: StepHook| {
            let world = open(path, seed, policy, hook);
            world.clock.set(clock.now());
            let answer = block_on(call(&world, &setting));
            (answer, world)
        };
        let run = self.run_through(&set_up, &call_on);
        let mut wrong = Vec::new();
        if run.before == run.after {
            wrong.push(format!("it wrote nothing: {}", run.answer));
        }
        for (number, point) in run.points.iter().enumerate() {
            let judged = self.judge(operation, &run, point, &call_on);
            wrong.extend(judged.err().map(|why| format!("at point {number} {why}")));
        }
        let Operation { method, setting, .. } = operation;
        self.violations.extend(wrong.iter().map(|wrong| format!("{method}, {setting}: {wrong}")));
        self.examined.push(Examined { method, setting, points: run.points.len() });
    }

    /// The process that lives: the files before each of its writes are what one that dies there leaves behind.
    fn run_through(&self, set_up: &Path, call_on: &impl CallOn) -> Run {
        let path = self.disk.copy(set_up);
        let points = Arc::new(Mutex::new(Vec::new()));
        let (disk, of, left) = (Arc::clone(&self.disk), path.clone(), Arc::clone(&points));
        let (answer, world) =
            call_on(&path, 2, Arc::new(move |_| lock(&left).push(disk.copy(&of))));
        let mut points = std::mem::take(&mut *lock(&points));
        // The binding of the store to its game, when it is opened.
        points.remove(0);
        // Answered, and dead before it can tidy up.
        points.push(self.disk.copy(&path));
        drop(world);
        let before = State::read(&self.disk.copy(set_up));
        let after = State::read(&path);
        // Asked for once more, and nobody has died.
        drop(call_on(&path, 3, Arc::new(|_| {})));
        Run { before, after, twice: State::read(&path), answer, points }
    }

    /// What is wrong with what a process finds that begins at this point.
    fn judge(
        &self,
        operation: Operation,
        run: &Run,
        point: &Path,
        call_on: &impl CallOn,
    ) -> Result<(), String> {
        let found = State::read(&self.disk.copy(point));
        let is_whole = match operation.whole {
            Whole::AtOnce => found == run.before || found == run.after,
            Whole::EachAccount => found.is_of_each(&run.before, &run.after),
        };
        if !is_whole {
            return Err(format!("half of it is there: {:#?}", found.differs(&run.before)));
        }
        // Where it was not done, the next process draws the same ids: all of it must be the same then.
        let done = found == run.after;
        if !done && run.points.last().is_some_and(|last| last == point) {
            return Err("it was answered, and is not there".to_owned());
        }
        let path = self.disk.copy(point);
        let (again, _) = call_on(&path, if done { 3 } else { 2 }, Arc::new(|_| {}));
        let expected = if done { operation.again } else { &run.answer };
        if again != *expected && (done || operation.whole == Whole::AtOnce) {
            return Err(format!("it answers {again} once more, not {expected}"));
        }
        let repaired = State::read(&path);
        let expected = if done && operation.repeats { &run.twice } else { &run.after };
        if repaired != *expected {
            return Err(format!(
                "once more makes another state: {:#?}",
                repaired.differs(expected)
            ));
        }
        Ok(())
    }
}

/// Calls an operation on a file, with the seed of its ids; what it answers, and the process that is still there.
trait CallOn: Fn(&Path, u64, StepHook) -> (String, World) {}

impl<F: Fn(&Path, u64, StepHook) -> (String, World)> CallOn for F {}

/// An operation from its beginning to its end.
struct Run {
    before: State,
    after: State,
    /// After two operations.
    twice: State,
    answer: String,
    /// The files at each point, the last one at its end.
    points: Vec<PathBuf>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(path: &Path, seed: u64, policy: &Policy, hook: StepHook) -> World {
    let store: Arc<dyn Store> = disk::open(path, hook);
    let world = block_on(Harness::seeded(seed, store, policy.clone(), |builder| {
        ["google", "facebook"].into_iter().fold(builder, |builder, provider| {
            let portal = Portal(ProviderId::new(provider).expect("a name"));
            builder.verifier(portal).nonces(Numbers)
        })
    }));
    World { engine: world.engine().clone(), clock: world.clock().clone() }
}

/// Believes what it is told, and takes each notice for one that consent was taken back.
#[derive(Debug)]
struct Portal(ProviderId);

#[async_trait]
impl Verifier for Portal {
    fn provider(&self) -> &ProviderId {
        &self.0
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        Ok(context.identity(credential.reveal()))
    }

    async fn read_notice(
        &self,
        payload: &Secret,
        context: &VerifyContext,
    ) -> Result<Option<ProviderNotice>, VerifyError> {
        let once = (SingleUseKey::new([7; 32]), context.now() + TimeDelta::hours(1));
        Ok(Some(context.notice(payload.reveal(), ProviderEvent::ConsentRevoked, once)))
    }
}

/// Gives everybody the same nonce.
#[derive(Debug)]
struct Numbers;

impl NonceIssuer for Numbers {
    fn issue(&self, _: &NonceScope<'_>, _: DateTime<Utc>, _: [u8; 16]) -> String {
        "1".to_owned()
    }
}

/// What came of a call, in a word: of a refusal its code, of anything else what `ok` says.
fn told<T>(result: Result<T, Error>, ok: impl FnOnce(T) -> String) -> String {
    match result {
        Ok(value) => ok(value),
        Err(Error::Refused(refusal)) => refusal.code().to_owned(),
        Err(fault) => format!("fault: {fault}"),
    }
}

fn context() -> RequestContext {
    RequestContext::new()
}

fn operator() -> Operator {
    Operator::vouched_for("operator")
}

fn device(subject: &str) -> Credential {
    Credential::Device(format!("device-id-of-{subject}").into())
}

fn custom(subject: &str) -> Credential {
    Credential::Custom(format!("custom-id-of-{subject}").into())
}

fn guest(subject: &str) -> Credential {
    Credential::Guest(format!("guest-key-of-{subject}").into())
}

fn google(subject: &str) -> Credential {
    let provider = ProviderId::new("google").expect("a name");
    Credential::Provider { provider, payload: subject.into() }
}

/// A player who is logged in.
struct Player {
    login: LoggedIn,
    who: Authenticated,
}

impl World {
    async fn player(&self, credential: Credential) -> Player {
        let login = self.engine.login(&context(), Login::new(credential)).await.expect("a login");
        let who = self.engine.verify(login.tokens.access.reveal()).await.expect("a session");
        Player { login, who }
    }

    /// With one more login.
    async fn player_with(&self, first: Credential, second: Credential) -> Player {
        let player = self.player(first).await;
        let link = authcore::Link::new(second);
        self.engine.link(&context(), &player.who, link).await.expect("a link");
        player
    }
}

/// How many logins an account has.
fn logins_of(account: &authcore::account::Account) -> String {
    format!("{} logins", account.identities.len())
}
