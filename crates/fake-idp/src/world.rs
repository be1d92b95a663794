use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use authcore::account::{Account, ProviderId};
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore::{Credential, LoggedIn, Login, Policy, Refusal, RequestContext, Secret};
use authcore_store_memory::MemoryStore;
use authcore_testkit::{Harness, ManualClock};
use chrono::{DateTime, TimeDelta, Utc};

/// What became of a login, by the classes of providers.md 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Somebody is logged in; who, by the identity's subject.
    Accepted(String),
    /// The credential is not good; which reason.
    Rejected(String),
    /// It is over.
    Expired,
    /// A policy refuses it; which.
    Denied(String),
    /// The verifier or its configuration is faulty.
    Faulty,
    /// The provider could not be asked; for how long not to try.
    Unavailable(Option<TimeDelta>),
    /// The credential was good, and something in it was used before.
    UsedUp,
    /// The engine refused it before it asked the verifier, or for another reason; by its stable code.
    Refused(&'static str),
}

/// An engine with one verifier, on a memory store, with a clock that stands still at the first moment of 2026.
#[derive(Debug)]
pub struct World {
    harness: Harness,
    provider: ProviderId,
    seen: Seen,
    told: Arc<Mutex<String>>,
    last: Mutex<Option<LoggedIn>>,
}

type Seen = Arc<Mutex<Option<Outcome>>>;

impl World {
    /// Opens it.
    pub async fn new(verifier: impl Verifier) -> Self {
        let (provider, seen) = (verifier.provider().clone(), Seen::default());
        let told = Arc::<Mutex<String>>::default();
        let watched = Watched { verifier, seen: Arc::clone(&seen), told: Arc::clone(&told) };
        let store = Arc::new(MemoryStore::new());
        let harness =
            Harness::on(store, Policy::recommended(), |builder| builder.verifier(watched)).await;
        Self { harness, provider, seen, told, last: Mutex::default() }
    }

    /// Its clock.
    #[must_use]
    pub const fn clock(&self) -> &ManualClock {
        self.harness.clock()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        authcore::Clock::now(self.clock())
    }

    /// Logs in.
    pub async fn login(&self, credential: &str) -> Outcome {
        self.seen.lock().unwrap().take();
        self.told.lock().unwrap().clear();
        let credential =
            Credential::Provider { provider: self.provider.clone(), payload: credential.into() };
        let login = Login::new(credential);
        let result = self.harness.engine().login(&RequestContext::new(), login).await;
        let seen = self.seen.lock().unwrap().take();
        match (result, seen) {
            (Ok(player), None) => {
                let subject = player.account.identities[0].key.subject().to_owned();
                *self.last.lock().unwrap() = Some(player);
                Outcome::Accepted(subject)
            }
            (Err(_), Some(outcome)) => outcome,
            (Err(error), None) => match error.refusal() {
                Some(Refusal::CredentialRejected { .. }) => Outcome::UsedUp,
                Some(refusal) => Outcome::Refused(refusal.code()),
                None => unreachable!("{error}"),
            },
            (Ok(_), Some(seen)) => unreachable!("let in after {seen:?}"),
        }
    }

    /// What the verifier's error said in the last login, with its causes, as it is shown and as it is debugged.
    #[must_use]
    pub fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    /// The account that was logged in to last.
    #[must_use]
    pub fn account(&self) -> Account {
        self.player().account
    }

    /// The login that succeeded last.
    #[must_use]
    pub fn player(&self) -> LoggedIn {
        self.last.lock().unwrap().clone().unwrap()
    }
}

/// Tells what the verifier said, which the engine keeps from players.
#[derive(Debug)]
struct Watched<V> {
    verifier: V,
    seen: Seen,
    told: Arc<Mutex<String>>,
}

#[async_trait]
impl<V: Verifier> Verifier for Watched<V> {
    fn provider(&self) -> &ProviderId {
        self.verifier.provider()
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let result = self.verifier.verify(credential, context).await;
        if let Err(error) = &result {
            *self.seen.lock().unwrap() = Some(outcome(error));
            *self.told.lock().unwrap() = texts(error);
        }
        result
    }
}

/// What an error says, and each of its causes.
fn texts(error: &VerifyError) -> String {
    let mut texts = vec![format!("{error} {error:?}")];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        texts.push(format!("{error} {error:?}"));
        cause = error.source();
    }
    texts.join("\n")
}

fn outcome(error: &VerifyError) -> Outcome {
    match error {
        VerifyError::Rejected(why) | VerifyError::RejectedWith { why, .. } => {
            Outcome::Rejected((*why).into())
        }
        VerifyError::Expired => Outcome::Expired,
        VerifyError::Denied(why) => Outcome::Denied((*why).into()),
        VerifyError::Faulty(_) => Outcome::Faulty,
        VerifyError::Unavailable { retry_after, .. } => Outcome::Unavailable(*retry_after),
        other => unreachable!("a kind of error that is newer than this: {other}"),
    }
}
