//! What a player asks for, and what comes back.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::account::{Account, AccountId, Identity, ProviderId, SessionId};
use crate::credential::Credential;
use crate::mapping::MergeReport;
use crate::proof::Authenticated;
use crate::secret::Secret;
use crate::session::{Session, TokenPair, Vars};
use crate::verifier::ProviderProfile;

/// Asks to log in.
///
/// ```
/// use authcore::{Credential, Login};
///
/// let login = Login::new(Credential::Device("0123456789".into())).without_creating();
/// assert!(!login.create);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Login {
    /// What the player presents.
    pub credential: Credential,
    /// Whether an account is made when there is none.
    pub create: bool,
    /// The username of a new account; ignored for one that exists, but checked all the same.
    pub username: Option<String>,
    /// What the client wants to keep with the session; at most 2048 bytes, the host's included.
    pub vars: Vars,
    /// What the host wants to keep with the session; set by the host and its hooks only.
    pub server_vars: Vars,
    /// The account that the client remembers, as it has it: the login is into this one or refused. Text that is no id is
    /// no account's; empty is as good as none (braincloud 4.1, 4.2).
    pub expected_account: Option<String>,
    /// The id of the device that asks, of the form of a device id; empty is as good as none. Where the policy lets devices
    /// follow logins, it is linked to the account, away from any other (braincloud 4.3). Whoever knows a device id may
    /// log in with it: it is as secret as a password.
    pub device_link: Option<Secret>,
    /// Who the caller is already (gamebase X-1): a login with the same identity goes on with that session, with another
    /// one it is refused. A session that has ended since does not count.
    pub current: Option<Box<Authenticated>>,
    /// Whether [`current`](Self::current) does not matter: a new session is opened beside it (gamebase 3.3).
    pub ignore_already_logged_in: bool,
}

impl Login {
    /// Logs in with a credential, and makes an account when there is none.
    #[must_use]
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            create: true,
            username: None,
            vars: Vars::new(),
            server_vars: Vars::new(),
            expected_account: None,
            device_link: None,
            current: None,
            ignore_already_logged_in: false,
        }
    }

    /// Logs in to this account, or is refused.
    #[must_use]
    pub fn expecting(mut self, account: impl Into<String>) -> Self {
        self.expected_account = Some(account.into());
        self
    }

    /// Links the device that asks.
    #[must_use]
    pub fn with_device_link(mut self, device: impl Into<Secret>) -> Self {
        self.device_link = Some(device.into());
        self
    }

    /// The caller is logged in already.
    #[must_use]
    pub fn while_logged_in(mut self, who: Authenticated) -> Self {
        self.current = Some(Box::new(who));
        self
    }

    /// Makes no account.
    #[must_use]
    pub fn without_creating(mut self) -> Self {
        self.create = false;
        self
    }

    /// A new account gets this username.
    #[must_use]
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }
}

/// A player is in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoggedIn {
    /// Who.
    pub account: Account,
    /// Whether the account was made by this login.
    pub created: bool,
    /// The session that was opened.
    pub session: Session,
    /// Its tokens.
    pub tokens: TokenPair,
    /// How many logins there were, this one included.
    pub login_count: u64,
    /// When the login before this one was; absent at the first (gamebase X-26).
    pub previous_login_at: Option<DateTime<Utc>>,
    /// What the player logged in with; none for a username.
    pub provider: Option<ProviderId>,
    /// Accounts of the player's friends at the provider, where its verifier knows any: neither banned nor withdrawn, each
    /// once, and never the player's own. What becomes of them is the host's affair (nakama 8).
    pub friends: Vec<Friend>,
    /// The player's profile at the provider, where its verifier knows it. It is not kept.
    pub provider_profile: Option<Box<ProviderProfile>>,
    /// What the verifier has for the client: JSON text (braincloud 7, authPayload).
    pub payload: Option<Box<str>>,
    /// What holds for the player at the provider, as its verifier says, each in a word: `vac_banned`, `publisher_banned`,
    /// `child`. What follows is the host's affair. It is not kept.
    pub flags: Vec<&'static str>,
    /// Whose the game is that the player borrows, by their subject at the provider (Steam's Family Sharing).
    pub owner: Option<Box<str>>,
}

impl LoggedIn {
    /// Into an account that exists, with nothing from a verifier; by the identity that opened the session.
    pub(crate) fn into_existing(
        account: Account,
        session: Session,
        tokens: TokenPair,
        (login_count, previous_login_at): (u64, Option<DateTime<Utc>>),
    ) -> Self {
        let opener = |identity: &&Identity| Some(identity.ordinal) == session.identity;
        let provider = account.identities.iter().find(opener);
        Self {
            provider: provider.map(|identity| identity.key.provider().clone()),
            account,
            created: false,
            session,
            tokens,
            login_count,
            previous_login_at,
            friends: Vec::new(),
            provider_profile: None,
            payload: None,
            flags: Vec::new(),
            owner: None,
        }
    }
}

/// A friend at the provider who plays too.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Friend {
    /// Who.
    pub account: AccountId,
    /// Who that is at the provider.
    pub subject: Box<str>,
}

impl fmt::Debug for Friend {
    /// Shows the account only: a subject may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Friend({}, [redacted])", self.account)
    }
}

/// Asks to log in with an own token (gamebase 3.1, 3.4).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resume {
    /// A refresh token or an access token.
    pub token: Secret,
    /// The credential of the identity that opened the session, so that its provider vouches once more; the policy says
    /// when it must come ([`revalidation`](crate::Policy::revalidation)).
    pub credential: Option<Credential>,
}

impl Resume {
    /// Logs in with a token.
    #[must_use]
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into(), credential: None }
    }

    /// With the provider's credential.
    #[must_use]
    pub fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }
}

/// Asks to add a login to the caller's account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Link {
    /// What the player presents.
    pub credential: Credential,
}

impl Link {
    /// Links a credential.
    #[must_use]
    pub const fn new(credential: Credential) -> Self {
        Self { credential }
    }
}

/// Asks to take a login away from the caller's account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unlink {
    /// The kind of login.
    pub provider: ProviderId,
    /// Which one: the id or email address of a built-in kind, or what the verifier takes. None takes whatever is
    /// linked; a device must be named (nakama 10.1).
    pub exactly: Option<Secret>,
    /// Whether the player knows that nothing but device ids is left (braincloud 8.2).
    pub confirmed: bool,
}

impl Unlink {
    /// Unlinks whatever is linked of that kind.
    #[must_use]
    pub const fn any(provider: ProviderId) -> Self {
        Self { provider, exactly: None, confirmed: false }
    }

    /// Unlinks exactly this one.
    #[must_use]
    pub fn exactly(provider: ProviderId, which: impl Into<Secret>) -> Self {
        Self { provider, exactly: Some(which.into()), confirmed: false }
    }

    /// The player knows that nothing but device ids is left, and wants it.
    #[must_use]
    pub fn confirmed(mut self) -> Self {
        self.confirmed = true;
        self
    }
}

/// Asks to merge the caller's account with the one that another login opens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Merge {
    /// A login of the other account.
    pub credential: Credential,
}

impl Merge {
    /// Merges with the account that this credential opens.
    #[must_use]
    pub const fn new(credential: Credential) -> Self {
        Self { credential }
    }
}

/// Two accounts are one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Merged {
    /// The survivor.
    pub account: Account,
    /// The session in which the caller goes on: the caller's own, or one in the other account.
    pub session: Session,
    /// The tokens of that session when the other account survived; otherwise the caller's own stay good.
    pub tokens: Option<TokenPair>,
    /// What moved; none when the login was the caller's own already.
    pub report: Option<MergeReport>,
}

/// Asks for the next pair of tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refresh {
    /// The refresh token.
    pub token: Secret,
    /// New vars, where the policy lets a client replace them; empty keeps what there is.
    pub vars: Vars,
}

impl Refresh {
    /// Refreshes with a token.
    #[must_use]
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into(), vars: Vars::new() }
    }
}

/// A session goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refreshed {
    /// Whose.
    pub account: Account,
    /// The session.
    pub session: Session,
    /// Its next tokens.
    pub tokens: TokenPair,
}

/// Asks to end sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Logout {
    /// The caller's session.
    ThisSession,
    /// One of the caller's sessions; nothing happens when it has ended.
    Session(SessionId),
    /// All sessions of the caller.
    Everywhere,
    /// What these tokens stand for: access tokens and refresh tokens end apart (nakama 11.4). Each that is given must be
    /// the caller's own and not over, or nothing ends.
    Tokens {
        /// Ends the access tokens of its session.
        access: Option<Secret>,
        /// Ends the refresh tokens of its session.
        refresh: Option<Secret>,
    },
}

/// Asks for other players.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FindAccounts {
    /// By id; at most 100 with the usernames.
    pub ids: Vec<AccountId>,
    /// By username.
    pub usernames: Vec<String>,
}
