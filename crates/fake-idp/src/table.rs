//! The cases that every provider is held to, with the class of error that each must have. A provider's row is a struct
//! with a field for each case, so the compiler asks for a cell that is empty.

use std::time::Duration;

use authcore::verifier::Verifier;
use authcore_verifiers::{ConfigError, Outbound, Reason};
use chrono::{DateTime, TimeDelta, Utc};

use crate::fault::Fault;
use crate::log::Log;
use crate::server::{FakeIdp, Host};
use crate::sign::{Signer, Token};
use crate::world::{Outcome, World};

mod injections;

/// What a case must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// Logged in, as this subject.
    Accepted(&'static str),
    /// [`Outcome::Rejected`].
    Rejected(Reason),
    /// [`Outcome::Expired`].
    Expired,
    /// [`Outcome::Denied`].
    Denied(&'static str),
    /// [`Outcome::Unavailable`].
    Unavailable,
    /// [`Outcome::Faulty`].
    Faulty,
    /// The first login is let in, and the second is refused in its commit.
    UsedUp,
    /// [`Outcome::Refused`].
    Refused(&'static str),
    /// There is no such case for this kind of credential, and why.
    DoesNotApply(&'static str),
}

macro_rules! cases {
    ($($(#[$doc:meta])* $case:ident $cell:ident;)*) => {
        /// What is done to a good credential, or to its provider.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::exhaustive_enums, reason = "a provider's credentials match on each case")]
        pub enum Case {
            $($(#[$doc])* $case,)*
        }

        /// A provider's row.
        #[derive(Clone, Copy, Debug)]
        #[expect(clippy::exhaustive_structs, reason = "each cell is to be filled in")]
        pub struct Row {
            $($(#[$doc])* pub $cell: Expected,)*
        }

        impl Row {
            fn cells(&self) -> Vec<(Case, Expected)> {
                vec![$((Case::$case, self.$cell),)*]
            }
        }
    };
}

cases! {
    /// A good one.
    Good good;
    /// It ended an hour ago.
    Expired expired;
    /// It begins in an hour.
    NotYetValid not_yet_valid;
    /// It is for another app.
    WrongAudience wrong_audience;
    /// It is by somebody else, by what it says.
    WrongIssuer wrong_issuer;
    /// It is signed with a key that is not the provider's, under the name of one that is.
    WrongKey wrong_key;
    /// One byte was changed after it was signed.
    Tampered tampered;
    /// It says that it is not signed.
    AlgorithmNone algorithm_none;
    /// It is signed with HMAC and the public key as the secret.
    HmacWithPublicKey hmac_with_public_key;
    /// It is used a second time.
    Replayed replayed;
    /// It says of nobody that they are it.
    MissingSubject missing_subject;
    /// It is longer than any is.
    Oversized oversized;
    /// The provider closes the connection.
    ProviderDown provider_down;
    /// The provider does not answer.
    ProviderSlow provider_slow;
    /// A field of the configuration is wrong: see [`Provider::broken`].
    Misconfigured misconfigured;
}

impl Row {
    /// Of a provider whose credential is an ID token, configured to reject reuse, where it asks for keys.
    #[must_use]
    pub const fn id_token(subject: &'static str) -> Self {
        Self {
            good: Expected::Accepted(subject),
            expired: Expected::Expired,
            not_yet_valid: Expected::Rejected(Reason::NotYetValid),
            wrong_audience: Expected::Rejected(Reason::WrongAudience),
            wrong_issuer: Expected::Rejected(Reason::WrongIssuer),
            wrong_key: Expected::Rejected(Reason::BadSignature),
            tampered: Expected::Rejected(Reason::BadSignature),
            algorithm_none: Expected::Rejected(Reason::AlgNotAllowed),
            hmac_with_public_key: Expected::Rejected(Reason::AlgNotAllowed),
            replayed: Expected::UsedUp,
            missing_subject: Expected::Rejected(Reason::SubjectMissing),
            oversized: Expected::Refused("invalid"),
            provider_down: Expected::Unavailable,
            provider_slow: Expected::Unavailable,
            misconfigured: Expected::Faulty,
        }
    }
}

impl Row {
    /// Of a provider whose credential is an access token that it is asked about; what comes of a token that it does not know
    /// differs.
    #[must_use]
    pub const fn access_token(subject: &'static str, unknown: Expected) -> Self {
        let unsigned = Expected::DoesNotApply("an access token is not signed");
        Self {
            good: Expected::Accepted(subject),
            expired: Expected::Expired,
            not_yet_valid: Expected::DoesNotApply("an access token has no beginning"),
            wrong_audience: Expected::Rejected(Reason::WrongApp),
            wrong_issuer: Expected::DoesNotApply("it names no issuer; only the provider is asked"),
            wrong_key: unsigned,
            tampered: unknown,
            algorithm_none: unsigned,
            hmac_with_public_key: unsigned,
            // It may be used until it ends.
            replayed: Expected::Accepted(subject),
            missing_subject: Expected::Rejected(Reason::SubjectMissing),
            oversized: Expected::Refused("invalid"),
            provider_down: Expected::Unavailable,
            provider_slow: Expected::Unavailable,
            misconfigured: Expected::Faulty,
        }
    }

    /// Of a provider whose credential is an authorization code: the provider does not tell why one is not good.
    #[must_use]
    pub const fn code(subject: &'static str) -> Self {
        let refused = Expected::Rejected(Reason::Revoked);
        Self {
            expired: refused,
            wrong_audience: refused,
            replayed: refused,
            ..Self::access_token(subject, refused)
        }
    }
}

/// What a case presents as an opaque token or code: the fake knows it by this name.
#[must_use]
pub fn opaque(case: Case) -> String {
    match case {
        Case::Expired => "expired".into(),
        Case::WrongAudience => "other-app".into(),
        Case::MissingSubject => "nobody".into(),
        Case::Tampered => "goof".into(),
        Case::Oversized => "x".repeat(20_000),
        _ => "good".into(),
    }
}

/// A provider under test: its fake, and a verifier of it.
pub trait Provider: Sync {
    /// What is tested.
    type Verifier: Verifier;

    /// What each case must come to.
    const ROW: Row;

    /// The hosts that are played.
    fn hosts(&self) -> Vec<Host>;

    /// A verifier with a good configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which fails the test.
    fn verifier(&self, outbound: &Outbound) -> Result<Self::Verifier, ConfigError>;

    /// The fields of the configuration, each with what comes of a verifier that has it wrong.
    fn broken(
        &self,
        outbound: &Outbound,
    ) -> Vec<(&'static str, Result<Self::Verifier, ConfigError>)>;

    /// The credential of a case. For those that are about the provider and not the credential, a good one.
    fn credential(&self, case: Case, now: DateTime<Utc>) -> String;
}

/// What a case does to an ID token.
#[must_use]
pub fn id_token(case: Case, good: Token, signer: &Signer, now: DateTime<Utc>) -> String {
    let at = |hours| (now + TimeDelta::hours(hours)).timestamp();
    match case {
        Case::Expired => good.claim("iat", at(-2)).claim("exp", at(-1)).signed(signer),
        Case::NotYetValid => good.claim("nbf", at(1)).claim("exp", at(2)).signed(signer),
        Case::WrongAudience => good.claim("aud", "another-app").without("azp").signed(signer),
        Case::WrongIssuer => good.claim("iss", "https://issuer.example").signed(signer),
        Case::WrongKey => {
            let stranger = signer.stranger();
            good.signed(&stranger)
        }
        Case::Tampered => {
            let (honest, stranger) = (good.clone().signed(signer), good.claim("sub", "mallory"));
            let forged = stranger.signed(signer);
            // The claims of one and the signature of the other.
            let (claims, _) = forged.rsplit_once('.').unwrap();
            let (_, signature) = honest.rsplit_once('.').unwrap();
            format!("{claims}.{signature}")
        }
        Case::AlgorithmNone => good.unsigned(signer)[1].clone(),
        Case::HmacWithPublicKey => good.hmac_with_public_key(signer),
        Case::MissingSubject => good.without("sub").signed(signer),
        Case::Oversized => good.claim("filler", "x".repeat(20_000)).signed(signer),
        Case::Good
        | Case::Replayed
        | Case::ProviderDown
        | Case::ProviderSlow
        | Case::Misconfigured => good.signed(signer),
    }
}

/// Runs a provider's row, each case with a verifier, a fake and an engine of its own, and then the injections that each
/// verifier is put through (providers.md 7.2: X1, X3 to X10, X19); after each, nothing secret is in the log and in the
/// errors (X20).
///
/// It is for the runtime of one thread, on which it listens to the log.
///
/// # Panics
///
/// When a case came to something else.
pub async fn check<P: Provider>(provider: &P) {
    let log = Log::start();
    let mut wrong = Vec::new();
    for (case, expected) in P::ROW.cells() {
        let found = run(provider, case, expected, &log).await;
        if let Err(found) = found {
            wrong.push(format!("{case:?}: expected {expected:?}, found {found}"));
        }
    }
    wrong.extend(injections::run(provider, &log).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn run<P: Provider>(
    provider: &P,
    case: Case,
    expected: Expected,
    log: &Log,
) -> Result<(), String> {
    if let Expected::DoesNotApply(why) = expected {
        return if why.is_empty() { Err("no reason why".into()) } else { Ok(()) };
    }
    let fake = FakeIdp::start(provider.hosts()).await;
    let outbound = fake.outbound();
    if case == Case::Misconfigured {
        return broken(provider, &outbound);
    }
    let verifier = provider.verifier(&outbound).map_err(|error| error.to_string())?;
    let world = World::new(verifier).await;
    let credential = provider.credential(case, world.now());
    match case {
        Case::ProviderDown => fake.inject("", Fault::Reset),
        Case::ProviderSlow => fake.inject("", Fault::Stall),
        Case::Replayed => {
            let first = world.login(&credential).await;
            if !matches!(first, Outcome::Accepted(_)) {
                return Err(format!("{first:?} at first"));
            }
        }
        _ => {}
    }
    // A provider that is slow may take all the time that there is, and no more.
    let time = Duration::from_secs(8);
    let found = tokio::time::timeout(time, world.login(&credential)).await;
    let found = found.map_err(|_| "nothing, for too long".to_owned())?;
    if case == Case::Oversized && fake.connections() > 0 {
        return Err("it asked before it looked".into());
    }
    let as_expected = match expected {
        Expected::Accepted(subject) => found == Outcome::Accepted(subject.into()),
        Expected::Rejected(reason) => found == Outcome::Rejected(reason.name().into()),
        Expected::Expired => found == Outcome::Expired,
        Expected::Denied(why) => found == Outcome::Denied(why.into()),
        Expected::Unavailable => matches!(found, Outcome::Unavailable(_)),
        Expected::Faulty => found == Outcome::Faulty,
        Expected::Refused(code) => found == Outcome::Refused(code),
        Expected::UsedUp => found == Outcome::UsedUp,
        Expected::DoesNotApply(_) => true,
    };
    log.keeps_secret(&credential, &world)?;
    if as_expected { Ok(()) } else { Err(format!("{found:?}")) }
}

/// Each field that is wrong must keep the verifier from being built, by its name.
fn broken<P: Provider>(provider: &P, outbound: &Outbound) -> Result<(), String> {
    let broken = provider.broken(outbound);
    if broken.is_empty() {
        return Err("no field was broken".into());
    }
    for (field, built) in broken {
        match built {
            Ok(_) => return Err(format!("a verifier in spite of {field}")),
            Err(error) if error.field() != field => return Err(format!("{error}, not {field}")),
            Err(_) => {}
        }
    }
    Ok(())
}
