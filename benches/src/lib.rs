//! Benchmarks of authcore, each beside a floor: the same work written by hand without an engine. What a floor is, and
//! how to read the tables, is in the crate's README.

pub mod engine;
pub mod floor;
pub mod identity;
pub mod measure;
pub mod server;
pub mod tokens;
pub mod usage;
pub mod world;

use std::error::Error;

/// Benchmarks stop at the first failure, whatever it is.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What a player holds after a login.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair")]
pub struct Pair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// What is measured: an engine on a store, or a floor.
pub trait Target: Send + Sync + 'static {
    /// Logs a device in, and makes its account where there is none.
    fn login(&self, device: String) -> impl Future<Output = Outcome<Pair>> + Send;

    /// Trades a refresh token in.
    fn refresh(&self, token: String) -> impl Future<Output = Outcome<Pair>> + Send;

    /// Checks an access token and that its session still counts.
    fn verify(&self, token: &str) -> impl Future<Output = Outcome<()>> + Send;

    /// Checks an access token without looking anything up.
    ///
    /// # Errors
    ///
    /// When the token does not count.
    fn verify_stateless(&self, token: &str) -> Outcome<()>;

    /// Links a custom id to whom an access token belongs to, in the place of the one before. Only some floors do.
    fn link(&self, _token: &str, _custom: String) -> impl Future<Output = Outcome<()>> + Send {
        async { Err("this floor links nothing".into()) }
    }
}

/// The operations that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a list of benchmarks")]
pub enum Op {
    /// A device logs in that has an account.
    Login,
    /// A device logs in for the first time.
    Create,
    /// A refresh token is traded in.
    Refresh,
    /// An access token is checked, and its session.
    Verify,
    /// An access token is checked.
    VerifyStateless,
    /// A custom id is linked, in the place of the one before.
    Link,
}

impl Op {
    /// What tables and criterion call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Create => "first login",
            Self::Refresh => "refresh",
            Self::Verify => "verify",
            Self::VerifyStateless => "verify stateless",
            Self::Link => "link",
        }
    }
}
