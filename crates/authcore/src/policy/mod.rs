//! Every knob, and what each preset says.

mod check;
mod presets;
mod standing;
#[cfg(test)]
mod table;

pub use check::InvalidPolicy;
pub(crate) use check::LONGEST;
pub use standing::{BanTemplate, GraceRelease, Lockdown, RefundTrigger, Support};

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::account::ProviderId;
use crate::session::ClaimStyle;
use crate::transfer::TransferRules;

/// What a game allows. Take a preset and change what must differ; [`recommended`](Self::recommended) is the default.
///
/// ```
/// use authcore::Policy;
/// use chrono::TimeDelta;
///
/// let policy = Policy { sessions_per_account: 1, ..Policy::nakama() };
/// assert_eq!(policy.refresh_grace, TimeDelta::seconds(10));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "presets are changed with struct update syntax")]
#[expect(clippy::struct_excessive_bools, reason = "each is a knob of its own")]
pub struct Policy {
    /// The claims that tokens carry.
    /// Why: registered claims are what other services check; Nakama's own clients read its claims.
    pub claim_style: ClaimStyle,
    /// How long an access token lives; at most 60 minutes (security 49).
    /// Why: whoever checks tokens without the store learns of an end this late; Nakama's and brainCloud's clients expect
    /// the lifetimes of their systems.
    pub access_lifetime: TimeDelta,
    /// How long a session lives without a refresh (security 34).
    /// Why: a token that was stolen from a lost device dies by itself; players who return within two weeks stay logged in.
    /// The others follow their systems.
    pub session_idle: TimeDelta,
    /// How long a session lives at most (security 34, 60).
    /// Why: no stolen token is renewed for ever. Gamebase's tokens live for a year, so its players log in no more often.
    pub session_absolute: TimeDelta,
    /// How long after a rotation the former refresh token still gets the same successor, and its successor does not
    /// rotate, for answers that were lost and clients that refresh several times at once (security 59, nakama 13.5).
    /// Zero is strict: every use rotates, and every reuse ends the session.
    /// Why: mobile networks lose answers, and clients refresh in parallel; without a grace they would be logged out as
    /// thieves.
    pub refresh_grace: TimeDelta,
    /// How many sessions an account may have, at least 1; the oldest gives way (security 38).
    /// Why: enough for a player's devices, and a bound on what is kept; brainCloud has one session a profile.
    pub sessions_per_account: usize,
    /// Whether a refresh may replace the client's vars (nakama 11.3).
    /// Why: who holds a stolen refresh token should not rewrite what the game keeps with the session; Nakama's clients do
    /// it.
    pub refresh_replaces_vars: bool,
    /// What happens when a player who has an identity of a kind links another one of it (nakama 9.2, W8).
    /// Why: an identity must not vanish without a word; Nakama replaces.
    pub relink: Relink,
    /// The kinds of which an account may have several.
    /// Why: a player has several devices, but is one person at each provider; so say all three systems.
    pub several: Several,
    /// Whether unlinking a kind of which nothing is linked, without naming one, counts as done (nakama 10.2).
    /// Why: a refusal shows a mistake of the client; Nakama answers yes.
    pub unlink_missing_is_done: bool,
    /// Whether linking an identity that the account has already counts as done (nakama 9.2) or is refused (gamebase
    /// X-14, braincloud 8.1).
    /// Why: a repeated request whose answer was lost should not fail; Gamebase and brainCloud refuse it.
    pub relink_own_is_done: bool,
    /// Whether a guest key goes when another identity is linked, and sessions that it opened are that identity's from then
    /// on (gamebase 3.7).
    /// Why: who upgraded has a better login, and the key that lay on the device opens nothing any more. Nakama's and
    /// brainCloud's device ids stay.
    pub guest_leaves: bool,
    /// Whether the identity that opened the caller's session may be unlinked (gamebase 3.10: no).
    /// Why: the last login is guarded anyway, and the session goes on; Gamebase refuses.
    pub unlink_logged_in: bool,
    /// Whether the player must confirm an unlink that leaves nothing but device ids (braincloud 8.2).
    /// Why: what is lost with the device is lost for good, so brainCloud asks; elsewhere the game does.
    pub anonymous_needs_confirmation: bool,
    /// Whether an unlink of another account's identity is told apart from one that nobody has (braincloud 8.2).
    /// Why: telling would say that somebody else has the identity; brainCloud tells.
    pub tells_foreign_identities: bool,
    /// Whether a player is told that a provider is not configured (nakama 5.3, gamebase 3.3), or gets the answer of a
    /// credential that was rejected (braincloud 7). The log tells the two apart.
    /// Why: what a game has configured, or got wrong, is no player's affair; Nakama and Gamebase have an answer of their
    /// own for it.
    pub tells_unknown_providers: bool,
    /// Whether a login by device id must name the account that it expects (braincloud 4.2).
    /// Why: brainCloud's clients save the profile's id; others know only their device's.
    pub device_needs_account: bool,
    /// Whether a login links its device ([`Login::device_link`](crate::Login::device_link)) to the account, away from any
    /// other (braincloud 4.3).
    /// Why: taking a device id from another account surprises its owner; brainCloud does it at each login.
    pub device_follows_login: bool,
    /// How long a forcing ticket lives that a link refused for another owner comes with (gamebase 4.4), at most a day; none
    /// gives none.
    /// Why: long enough to ask the player which account to keep, short enough to be worth little when stolen. Nakama and
    /// brainCloud know no tickets.
    pub ticket_lifetime: Option<TimeDelta>,
    /// Whether there is a ticket when the owner is banned (gamebase X-5).
    /// Why: taking a login from a banned account would be a way around the ban.
    pub ticket_for_banned: bool,
    /// Whether a forced link that takes the owner's last login is refused (gamebase X-6).
    /// Why: an account without a login is lost to its player; Gamebase lets it happen and an operator repairs it.
    pub forbid_orphaning: bool,
    /// When a login by an own token needs the provider's credential again (gamebase 3.1).
    /// Why: our own token ends with the session, so asking the provider again adds delay and a point of failure; a game may
    /// ask for it.
    pub revalidation: Revalidation,
    /// The providers that differ from [`revalidation`](Self::revalidation).
    /// Why: no provider needs it by itself.
    pub revalidation_of: BTreeMap<ProviderId, Revalidation>,
    /// Whether a provider's profile fills the empty fields of the player's (nakama 9.6; never the email address).
    /// Why: an empty profile is of no use, and what the player wrote is never replaced.
    pub imports_profile: bool,
    /// How long after the request a withdrawal becomes final; 1 to 30 days (gamebase 3.15).
    /// Why: a week, as Gamebase has it: time to change one's mind, and short enough for the right to erasure.
    pub withdrawal_grace: TimeDelta,
    /// How long a ban is remembered at most, by a keyed hash of the identities, when a banned account is withdrawn: an
    /// account made with one of them meanwhile starts banned (gamebase X-4), and no other account may link one; none
    /// forgets.
    /// Why: withdrawing must not wash a ban off, and half a year is as long as the hashes can be justified; the three
    /// systems forget at once.
    pub carry_ban: Option<TimeDelta>,
    /// Whether the deletion of an account at its provider unlinks that identity only, where there are others, instead of
    /// withdrawing the account (gamebase X-23).
    /// Why: other logins still work, so the player still plays; Gamebase withdraws.
    pub provider_delete_unlinks: bool,
    /// The words that bans may use.
    /// Why: the words are the game's.
    pub ban_templates: Vec<BanTemplate>,
    /// Whom a banned player may turn to.
    /// Why: the address is the game's.
    pub support: Support,
    /// What refunds lead to (gamebase 3.16); none ignores them.
    /// Why: only a game that sells can say how many refunds are abuse.
    pub lockdown: Option<Lockdown>,
    /// What guest transfer accounts look like (gamebase 1.9); none switches them off.
    /// Why: a password that moves an account is a risk that a game must choose.
    pub transfer: Option<TransferRules>,
    /// How many transfers a caller may try at once, and how long that takes to refill (gamebase X-18): each counts, or
    /// the answers past the limit would tell which ids there are. Issuing and renewing have a count of their own.
    /// Why: guessing must be hopeless; ten in ten minutes are more than a person types.
    pub transfer_attempts: Rate,
    /// How many nonces a caller may have at once, and how long that takes to refill (security 22).
    /// Why: a login needs one; sixty a minute are enough for many players behind one address.
    pub nonce_attempts: Rate,
    /// How many credentials of providers a caller may present at once, and how long that takes to refill (security 22): each
    /// counts, in a login, a link, an unlink and a merge, and so costs a write. None sets no limit, and the host must.
    /// Why: how many players share an address only the host knows, and what stands in front of it often counts already.
    pub provider_attempts: Option<Rate>,
    /// How many accounts a caller may make at once, and how long that takes to refill (security 22). None sets no limit, and
    /// the host must.
    /// Why: as for `provider_attempts`.
    pub creation_attempts: Option<Rate>,
    /// What an unlink and a change of password do to the account's sessions (security 63, 72; gamebase X-24).
    /// Why: who changes a password wants the others out (security 72); Nakama and brainCloud keep sessions, Gamebase ends
    /// what the identity opened.
    pub credential_change: CredentialChange,
    /// How many identities an account may have, 1 to 1000: each costs a little at every write of the account.
    /// Why: more than any player has, and a bound on what one account costs.
    pub identities_per_account: usize,
    /// How recently a player must have proven who they are to link, unlink, change a password or delete the account
    /// (security 39); none asks for nothing.
    /// Why: a device left open for a minute must not cost the account; the three systems know no such thing, and their
    /// clients could not answer it.
    pub step_up: Option<TimeDelta>,
    /// Whether accounts are made with a generated username when none is given (nakama 4.4).
    /// Why: a name nobody chose is of no use; Nakama's clients expect one.
    pub generated_usernames: bool,
    /// The fewest code points of a new password, at least 8 (security 1).
    /// Why: fifteen where the password is the only factor (security 1); eight is the least, and what the systems' players
    /// have.
    pub password_min: usize,
    /// Whether a login says that an email address or username is unknown (nakama 6.2), or answers as for a wrong
    /// password (security 25).
    /// Why: telling would let anybody try which addresses play; the three systems tell.
    pub tells_unknown_accounts: bool,
    /// Whether a ban is told before the password is checked (nakama 6.3), or only to who knows the password.
    /// Why: a ban is personal, so it is told to who proved to be the player; Nakama and Gamebase tell first.
    pub tells_bans_first: bool,
    /// How many wrong passwords an account takes at once, and how long that takes to refill (security 16, 21).
    /// Why: guessing must be hopeless, and a player who forgot a password must not be locked out for long.
    pub password_attempts: Rate,
    /// Whether each login writes an event.
    /// Why: they would double what a login writes and tell nothing that the account does not; Gamebase's log has them.
    pub login_events: bool,
}

/// How often something may be done: `limit` at once, refilled over `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Rate {
    /// How often at once, at least 1.
    pub limit: u32,
    /// How long it takes to refill from empty.
    pub window: TimeDelta,
}

/// What linking does when the account already has another identity of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relink {
    /// It is refused.
    Refuse,
    /// The new identity takes the old one's place.
    Replace,
}

/// What an unlink and a change of password do to the account's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialChange {
    /// Nothing (nakama 10.3).
    KeepsSessions,
    /// Those that were opened by what was unlinked end (gamebase X-24).
    EndsItsSessions,
    /// All end but the one that asked, and that one too when it was opened by what was unlinked (security 63, 72).
    EndsOtherSessions,
}

impl CredentialChange {
    /// For what is taken away by somebody other than the player: at least what it opened ends.
    pub(crate) const fn by_others(self) -> Self {
        match self {
            Self::KeepsSessions => Self::EndsItsSessions,
            ends => ends,
        }
    }
}

/// When a login by an own token needs the provider's credential again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revalidation {
    /// Never: our own token is enough.
    Never,
    /// Each time.
    Always,
    /// When the player last proved who they are so long ago.
    After(TimeDelta),
}

/// Of which kinds an account may have several identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Several {
    /// Device ids only (nakama 4.1).
    DevicesOnly,
}

impl Several {
    /// Whether an account may have several identities of this provider.
    #[must_use]
    pub fn allows(self, provider: &ProviderId) -> bool {
        match self {
            Self::DevicesOnly => *provider == ProviderId::DEVICE,
        }
    }
}

impl Policy {
    /// When a login by an own token, of a session that this provider's identity opened, needs its credential again.
    #[must_use]
    pub fn revalidation_for(&self, provider: &ProviderId) -> Revalidation {
        self.revalidation_of.get(provider).copied().unwrap_or(self.revalidation)
    }
}
