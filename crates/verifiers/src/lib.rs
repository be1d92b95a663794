//! Verifiers for authcore: what proves to the engine who a player is.
//!
//! A verifier is anything that implements [`Verifier`]; [`verifier_fn`] makes one of a closure, for a system of one's
//! own that already knows its players; [`external_fn`] one of a closure that answers as brainCloud's external
//! authentication does; the crate `authcore-verifier-script` one of an operator's script. The providers of the world have a
//! verifier and a configuration each, as [`Google`] and [`GoogleConfig`]; none can be built without saying which app its credentials must be for.
//!
//! # How to add a provider
//!
//! For a provider `acme`, write four files and a section of a page, and a few lines in each of three. No other file changes.
//!
//! 1. **`src/providers/acme.rs`**: `AcmeConfig` (public fields, `new` takes what cannot be left out, URLs have the
//!    vendor's as defaults) and `Acme`, with `new(AcmeConfig, &Outbound) -> Result<Self, ConfigError>` and `impl Verifier`.
//!    Two lines in `src/providers/mod.rs`: `mod acme;` and `pub use acme::{Acme, AcmeConfig};`.
//! 2. **`../fake-idp/src/acme.rs`**: `FakeAcme` with `hosts() -> Vec<Host>` (an axum router for each host name that the
//!    vendor has) and what makes its credentials. Three lines in `../fake-idp/src/providers.rs`.
//! 3. **`tests/acme.rs`**: `impl table::Provider` with its row, a test that calls `table::check(&…)`, and tests of what is
//!    special to it. `table::id_token` makes the cases of an ID token, `Row::id_token` is their row; for
//!    access tokens and codes that the fake knows by name, `table::opaque`, `Row::access_token` and `Row::code`; for anything
//!    else, match on each `Case`. A case that cannot exist is `Expected::DoesNotApply("why")`.
//! 4. **`examples/host/src/providers/acme.rs`**: the table of `host.toml` (`deny_unknown_fields`) and `impl Table`. Two
//!    lines in its `mod.rs`: `mod acme;` and `acme: Option<Spanned<acme::Acme>>,` in `tables!`.
//! 5. **`docs/providers.md`**: a section with a complete `[providers.acme]`. What no document of the vendor says is named
//!    there as unverified, and is configuration.
//!
//! The test `every_provider_has_its_row_…` in `tests/table.rs` fails while one of them is missing.
//!
//! ## What there is to build on
//!
//! | for | use |
//! | --- | --- |
//! | a start of `verify` | [`Call::starting(context.now())`](Call::starting): the time, and 5 seconds for all that follows |
//! | a request | [`outbound.to("acme")`](Outbound::to) once in `new`, then `client.get(&endpoint)…send(&call, Cap::Profile)` |
//! | a URL | [`Endpoint::new("field", &url)`](Endpoint::new) in `new`, so that a bad one is a [`ConfigError`]; [`Endpoint::parse`] for a URL of others, whose host must then be compared with a list |
//! | an answer | [`Answer::status`], [`Answer::json`]; 3xx, 429, 5xx and time-outs are an [`HttpFault`] already, and `?` makes it [`VerifyError::Unavailable`] |
//! | a signed token | [`TokenRules`], [`KeySource`], [`TokenVerifier`]; the credential is a [`TokenCredential`]; then [`Claims::prove`] |
//! | an access token or a code | `OAuthCredential` and `CodeExchange` in `src/oauth.rs`; a token must be shown to be of our app |
//! | a nonce in a credential | [`NoncePolicy`] of the configuration, and `nonces.redeem(nonce, &context.nonce_scope(binding), now)` where it is no token |
//! | a credential that is good once | [`single_use`] and `identity.using_up(key, forget_at)`: the commit of the login uses it up |
//! | a name and an avatar | [`profile()`], then `identity.with_profile(…)`; never an email address |
//! | friends | [`read_friends`]; `None` fails no login |
//! | a refusal of a token endpoint of OAuth 2.0 | `oauth::refusal` of the answer, and what it returns is the error |
//! | a refusal | [`Reason`] with `?` or `.into()`; [`VerifyError::Expired`]; `VerifyError::Denied("policy")`; [`VerifyError::faulty`] when the vendor refuses *us* |
//! | a list or text that must not be empty | [`ConfigError::unless_named`], [`ConfigError::unless_given`] |
//!
//! Shapes are checked before anybody is asked; the engine lets no credential of more than 16,384 bytes through. A secret of
//! a configuration is an [`authcore::Secret`]. The
//! identity is `context.identity(subject)`, with an issuer or tenant only where subjects are not unique without it.
//! `World` of the fake opens an engine with the verifier and tells the class of each refusal; `FakeIdp::inject` makes the
//! provider misbehave, `FakeIdp::journal` is what it was asked.

mod answer;
mod certificates;
mod closure;
mod credential;
mod error;
mod external;
mod friends;
mod hex;
mod http;
mod jwt;
mod kept;
mod keys;
mod nonce;
mod oauth;
mod oauth1;
mod profile;
mod providers;
mod signature;

pub use answer::{ExternalAnswer, InvalidAnswer};
pub use authcore_jose::foreign::SignatureAlgorithm;
pub use closure::{FnVerifier, verifier_fn};
pub use credential::TokenCredential;
pub use error::{ConfigError, Reason};
pub use external::{
    External, ExternalFault, ExternalRequest, ExternalVerifier, external, external_fn,
};
pub use friends::{FriendPage, read_friends};
pub use http::{
    Answer, Call, Cap, Endpoint, HttpFault, Outbound, OutboundConfig, ProviderClient, Request,
};
pub use jwt::{Claims, NoncePolicy, TokenRules, TokenVerifier};
pub use keys::{KeyLocation, KeySource};
pub use nonce::{Nonces, Redeemed, single_use};
pub use profile::profile;
pub use providers::*;

#[cfg(doc)]
use authcore::verifier::{Verifier, VerifyError};
