//! Every knob, and what each preset says.

mod standing;

pub use standing::{BanTemplate, GraceRelease, Lockdown, RefundTrigger, Support};

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::account::{ProviderId, Records};
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
    pub claim_style: ClaimStyle,
    /// How long an access token lives; at most 60 minutes (security 49).
    pub access_lifetime: TimeDelta,
    /// How long a session lives without a refresh (security 34).
    pub session_idle: TimeDelta,
    /// How long a session lives at most (security 34, 60).
    pub session_absolute: TimeDelta,
    /// How long after a rotation the former refresh token still gets the same successor, and its successor does not
    /// rotate, for answers that were lost and clients that refresh several times at once (security 59, nakama 13.5).
    /// Zero is strict: every use rotates, and every reuse ends the session.
    pub refresh_grace: TimeDelta,
    /// How many sessions an account may have, at least 1; the oldest gives way (security 38).
    pub sessions_per_account: usize,
    /// Whether a refresh may replace the client's vars (nakama 11.3).
    pub refresh_replaces_vars: bool,
    /// What happens when a player who has an identity of a kind links another one of it (nakama 9.2, W8).
    pub relink: Relink,
    /// The kinds of which an account may have several.
    pub several: Several,
    /// Whether unlinking a kind of which nothing is linked, without naming one, counts as done (nakama 10.2).
    pub unlink_missing_is_done: bool,
    /// Whether linking an identity that the account has already counts as done (nakama 9.2) or is refused (gamebase
    /// X-14, braincloud 8.1).
    pub relink_own_is_done: bool,
    /// Whether a guest key goes when another identity is linked, and sessions that it opened are that identity's from then
    /// on (gamebase 3.7).
    pub guest_leaves: bool,
    /// Whether the identity that opened the caller's session may be unlinked (gamebase 3.10: no).
    pub unlink_logged_in: bool,
    /// Whether the player must confirm an unlink that leaves nothing but device ids (braincloud 8.2).
    pub anonymous_needs_confirmation: bool,
    /// Whether an unlink of another account's identity is told apart from one that nobody has (braincloud 8.2).
    pub tells_foreign_identities: bool,
    /// Whether a login by device id must name the account that it expects (braincloud 4.2).
    pub device_needs_account: bool,
    /// Whether a login links its device ([`Login::device_link`](crate::Login::device_link)) to the account, away from any
    /// other (braincloud 4.3).
    pub device_follows_login: bool,
    /// How long a forcing ticket lives that a link refused for another owner comes with (gamebase 4.4), at most a day; none
    /// gives none.
    pub ticket_lifetime: Option<TimeDelta>,
    /// Whether there is a ticket when the owner is banned (gamebase X-5).
    pub ticket_for_banned: bool,
    /// Whether a forced link that takes the owner's last login is refused (gamebase X-6).
    pub forbid_orphaning: bool,
    /// When a login by an own token needs the provider's credential again (gamebase 3.1).
    pub revalidation: Revalidation,
    /// The providers that differ from [`revalidation`](Self::revalidation).
    pub revalidation_of: BTreeMap<ProviderId, Revalidation>,
    /// Whether a provider's profile fills the empty fields of the player's (nakama 9.6; never the email address).
    pub imports_profile: bool,
    /// How long after the request a withdrawal becomes final; 1 to 30 days (gamebase 3.15).
    pub withdrawal_grace: TimeDelta,
    /// How long a ban is remembered at most, by a keyed hash of the identities, when a banned account is withdrawn: an
    /// account made with one of them meanwhile starts banned (gamebase X-4); none forgets.
    pub carry_ban: Option<TimeDelta>,
    /// Whether the deletion of an account at its provider unlinks that identity only, where there are others, instead of
    /// withdrawing the account (gamebase X-23).
    pub provider_delete_unlinks: bool,
    /// The words that bans may use.
    pub ban_templates: Vec<BanTemplate>,
    /// Whom a banned player may turn to.
    pub support: Support,
    /// What refunds lead to (gamebase 3.16); none ignores them.
    pub lockdown: Option<Lockdown>,
    /// What guest transfer accounts look like (gamebase 1.9); none switches them off.
    pub transfer: Option<TransferRules>,
    /// How many transfers a caller may try at once, and how long that takes to refill (gamebase X-18): each counts, or
    /// the answers past the limit would tell which ids there are. Issuing and renewing have a count of their own.
    pub transfer_attempts: Rate,
    /// What an unlink and a change of password do to the account's sessions (security 63, 72; gamebase X-24).
    pub credential_change: CredentialChange,
    /// How many identities an account may have, 1 to 1000: each costs a little at every write of the account.
    pub identities_per_account: usize,
    /// How recently a player must have proven who they are to link, unlink, change a password or delete the account
    /// (security 39); none asks for nothing.
    pub step_up: Option<TimeDelta>,
    /// Whether accounts are made with a generated username when none is given (nakama 4.4).
    pub generated_usernames: bool,
    /// The fewest code points of a new password, at least 8 (security 1).
    pub password_min: usize,
    /// Whether a login says that an email address or username is unknown (nakama 6.2), or answers as for a wrong
    /// password (security 25).
    pub tells_unknown_accounts: bool,
    /// Whether a ban is told before the password is checked (nakama 6.3), or only to who knows the password.
    pub tells_bans_first: bool,
    /// How many wrong passwords an account takes at once, and how long that takes to refill (security 16, 21).
    pub password_attempts: Rate,
    /// Whether each login writes an event.
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

/// No time span is longer than this, so that no sum with it leaves the calendar.
pub(crate) const LONGEST: TimeDelta = TimeDelta::days(3653);

impl Policy {
    /// The safe side of every choice; follows the security checklist.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            claim_style: ClaimStyle::Registered,
            access_lifetime: TimeDelta::minutes(10),
            session_idle: TimeDelta::days(14),
            session_absolute: TimeDelta::days(30),
            refresh_grace: TimeDelta::seconds(10),
            sessions_per_account: 10,
            refresh_replaces_vars: false,
            relink: Relink::Refuse,
            several: Several::DevicesOnly,
            identities_per_account: 64,
            unlink_missing_is_done: false,
            relink_own_is_done: true,
            guest_leaves: true,
            unlink_logged_in: true,
            anonymous_needs_confirmation: false,
            tells_foreign_identities: false,
            device_needs_account: false,
            device_follows_login: false,
            ticket_lifetime: Some(TimeDelta::minutes(10)),
            ticket_for_banned: false,
            forbid_orphaning: true,
            revalidation: Revalidation::Never,
            revalidation_of: BTreeMap::new(),
            imports_profile: true,
            withdrawal_grace: TimeDelta::days(7),
            carry_ban: Some(TimeDelta::days(180)),
            provider_delete_unlinks: true,
            ban_templates: Vec::new(),
            support: Support::default(),
            lockdown: None,
            transfer: None,
            transfer_attempts: Rate { limit: 10, window: TimeDelta::minutes(10) },
            credential_change: CredentialChange::EndsOtherSessions,
            step_up: Some(TimeDelta::minutes(10)),
            generated_usernames: false,
            password_min: 15,
            tells_unknown_accounts: false,
            tells_bans_first: false,
            password_attempts: Rate { limit: 10, window: TimeDelta::minutes(10) },
            login_events: false,
        }
    }

    /// Answers as Nakama does, except where that would be unsafe: refresh tokens rotate, sessions end for good,
    /// revocation is exact, and throttles bite on abuse.
    #[must_use]
    pub fn nakama() -> Self {
        Self {
            claim_style: ClaimStyle::Nakama,
            access_lifetime: TimeDelta::seconds(60),
            session_idle: TimeDelta::hours(1),
            refresh_replaces_vars: true,
            relink: Relink::Replace,
            unlink_missing_is_done: true,
            guest_leaves: false,
            ticket_lifetime: None,
            carry_ban: None,
            credential_change: CredentialChange::KeepsSessions,
            step_up: None,
            generated_usernames: true,
            password_min: 8,
            tells_unknown_accounts: true,
            tells_bans_first: true,
            ..Self::recommended()
        }
    }

    /// Answers as Gamebase does: one identity a provider, tickets, change of login, no step-up; bans are forgotten when
    /// an account is withdrawn.
    #[must_use]
    pub fn gamebase() -> Self {
        Self {
            session_idle: TimeDelta::days(30),
            session_absolute: TimeDelta::days(365),
            relink_own_is_done: false,
            unlink_logged_in: false,
            forbid_orphaning: false,
            carry_ban: None,
            provider_delete_unlinks: false,
            credential_change: CredentialChange::EndsItsSessions,
            step_up: None,
            password_min: 8,
            tells_unknown_accounts: true,
            tells_bans_first: true,
            login_events: true,
            ..Self::recommended()
        }
    }

    /// Answers as brainCloud does: saved profiles, device ids that follow the login, one session, merges instead of
    /// tickets.
    #[must_use]
    pub fn braincloud() -> Self {
        Self {
            access_lifetime: TimeDelta::minutes(20),
            session_idle: TimeDelta::minutes(20),
            sessions_per_account: 1,
            relink_own_is_done: false,
            guest_leaves: false,
            anonymous_needs_confirmation: true,
            tells_foreign_identities: true,
            device_needs_account: true,
            device_follows_login: true,
            ticket_lifetime: None,
            carry_ban: None,
            credential_change: CredentialChange::KeepsSessions,
            step_up: None,
            password_min: 8,
            tells_unknown_accounts: true,
            tells_bans_first: false,
            ..Self::recommended()
        }
    }

    /// When a login by an own token, of a session that this provider's identity opened, needs its credential again.
    #[must_use]
    pub fn revalidation_for(&self, provider: &ProviderId) -> Revalidation {
        self.revalidation_of.get(provider).copied().unwrap_or(self.revalidation)
    }

    /// Whether every knob is within its bounds.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] names the first that is not, and its bounds.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        let second = TimeDelta::seconds(1);
        let rules = [
            (
                (second..=TimeDelta::minutes(60)).contains(&self.access_lifetime),
                "access_lifetime must be 1 second to 60 minutes",
            ),
            (
                (second..=LONGEST).contains(&self.session_idle),
                "session_idle must be 1 second to 10 years",
            ),
            (
                (second..=LONGEST).contains(&self.session_absolute),
                "session_absolute must be 1 second to 10 years",
            ),
            (
                self.step_up.is_none_or(|within| (second..=LONGEST).contains(&within)),
                "step_up must be 1 second to 10 years",
            ),
            (
                self.ticket_lifetime
                    .is_none_or(|life| (second..=TimeDelta::days(1)).contains(&life)),
                "ticket_lifetime must be 1 second to 1 day",
            ),
            (
                (1..=1000).contains(&self.identities_per_account),
                "identities_per_account must be 1 to 1000",
            ),
            (
                (TimeDelta::zero()..=TimeDelta::minutes(5)).contains(&self.refresh_grace),
                "refresh_grace must be 0 to 5 minutes",
            ),
            (
                (1..=100).contains(&self.sessions_per_account),
                "sessions_per_account must be 1 to 100",
            ),
            ((8..=64).contains(&self.password_min), "password_min must be 8 to 64"),
            (
                self.password_attempts.limit >= 1
                    && (second..=LONGEST).contains(&self.password_attempts.window),
                "password_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
            (
                self.ticket_lifetime
                    .is_none_or(|span| (second..=Records::TICKET_MEMORY).contains(&span)),
                "ticket_lifetime must be 1 second to 1 day",
            ),
            (
                (TimeDelta::days(1)..=TimeDelta::days(30)).contains(&self.withdrawal_grace),
                "withdrawal_grace must be 1 to 30 days",
            ),
            (
                self.carry_ban.is_none_or(|span| (second..=LONGEST).contains(&span)),
                "carry_ban must be 1 second to 10 years",
            ),
            (
                standing::templates_hold(&self.ban_templates),
                "ban_templates must have codes and names of their own, and words in the default language",
            ),
            (
                self.lockdown
                    .as_ref()
                    .is_none_or(|it| standing::lockdown_holds(it, &self.ban_templates)),
                "lockdown must have conditions above zero, a period of 1 second to 10 years, and a known template",
            ),
            (
                self.transfer_attempts.limit >= 1
                    && (second..=LONGEST).contains(&self.transfer_attempts.window),
                "transfer_attempts must admit at least 1 and refill over 1 second to 10 years",
            ),
        ];
        if let Some((_, rule)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(InvalidPolicy(rule));
        }
        self.transfer.as_ref().map_or(Ok(()), TransferRules::check).map_err(InvalidPolicy)
    }
}

/// A knob is outside its bounds; the text names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid policy: {0}")]
pub struct InvalidPolicy(&'static str);

impl Default for Policy {
    fn default() -> Self {
        Self::recommended()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Each knob and what the presets say, as the documentation shows it. A new knob does not compile here before it has
    /// a row.
    fn table() -> String {
        let row = |policy: &Policy| {
            let Policy {
                claim_style,
                access_lifetime,
                session_idle,
                session_absolute,
                refresh_grace,
                sessions_per_account,
                refresh_replaces_vars,
                relink,
                several,
                unlink_missing_is_done,
                relink_own_is_done,
                guest_leaves,
                unlink_logged_in,
                anonymous_needs_confirmation,
                tells_foreign_identities,
                device_needs_account,
                device_follows_login,
                ticket_lifetime,
                ticket_for_banned,
                forbid_orphaning,
                revalidation,
                revalidation_of,
                imports_profile,
                withdrawal_grace,
                carry_ban,
                provider_delete_unlinks,
                ban_templates,
                support,
                lockdown,
                transfer,
                transfer_attempts,
                credential_change,
                identities_per_account,
                step_up,
                generated_usernames,
                password_min,
                tells_unknown_accounts,
                tells_bans_first,
                password_attempts,
                login_events,
            } = policy;
            let seconds = |span: &TimeDelta| format!("{} s", span.num_seconds());
            let yes = |knob: &bool| if *knob { "yes" } else { "no" }.to_owned();
            let span = |span: &Option<TimeDelta>| span.as_ref().map_or("none".to_owned(), seconds);
            let some = |none: bool| if none { "none" } else { "set" }.to_owned();
            let count = |count: usize| if count == 0 { "none".into() } else { count.to_string() };
            let rate = |rate: &Rate| format!("{} in {}", rate.limit, seconds(&rate.window));
            vec![
                ("claim_style", format!("{claim_style:?}")),
                ("access_lifetime", seconds(access_lifetime)),
                ("session_idle", seconds(session_idle)),
                ("session_absolute", seconds(session_absolute)),
                ("refresh_grace", seconds(refresh_grace)),
                ("sessions_per_account", sessions_per_account.to_string()),
                ("refresh_replaces_vars", yes(refresh_replaces_vars)),
                ("relink", format!("{relink:?}")),
                ("several", format!("{several:?}")),
                ("unlink_missing_is_done", yes(unlink_missing_is_done)),
                ("relink_own_is_done", yes(relink_own_is_done)),
                ("guest_leaves", yes(guest_leaves)),
                ("unlink_logged_in", yes(unlink_logged_in)),
                ("anonymous_needs_confirmation", yes(anonymous_needs_confirmation)),
                ("tells_foreign_identities", yes(tells_foreign_identities)),
                ("device_needs_account", yes(device_needs_account)),
                ("device_follows_login", yes(device_follows_login)),
                ("ticket_lifetime", span(ticket_lifetime)),
                ("ticket_for_banned", yes(ticket_for_banned)),
                ("forbid_orphaning", yes(forbid_orphaning)),
                ("revalidation", format!("{revalidation:?}")),
                ("revalidation_of", count(revalidation_of.len())),
                ("imports_profile", yes(imports_profile)),
                ("withdrawal_grace", seconds(withdrawal_grace)),
                ("carry_ban", span(carry_ban)),
                ("provider_delete_unlinks", yes(provider_delete_unlinks)),
                ("ban_templates", count(ban_templates.len())),
                ("support", some(support.contact.is_empty() && support.url.is_empty())),
                ("lockdown", some(lockdown.is_none())),
                ("transfer", some(transfer.is_none())),
                ("transfer_attempts", rate(transfer_attempts)),
                ("credential_change", format!("{credential_change:?}")),
                ("identities_per_account", identities_per_account.to_string()),
                ("step_up", span(step_up)),
                ("generated_usernames", yes(generated_usernames)),
                ("password_min", password_min.to_string()),
                ("tells_unknown_accounts", yes(tells_unknown_accounts)),
                ("tells_bans_first", yes(tells_bans_first)),
                ("password_attempts", rate(password_attempts)),
                ("login_events", yes(login_events)),
            ]
        };
        let presets = [
            ("recommended()", Policy::recommended()),
            ("nakama()", Policy::nakama()),
            ("gamebase()", Policy::gamebase()),
            ("braincloud()", Policy::braincloud()),
        ];
        let mut table = String::from("| knob |");
        for (name, _) in &presets {
            write!(table, " `{name}` |").unwrap();
        }
        table.push_str("\n| --- | --- | --- | --- | --- |\n");
        let columns: Vec<_> = presets.iter().map(|(_, policy)| row(policy)).collect();
        for (index, (knob, _)) in columns[0].iter().enumerate() {
            write!(table, "| `{knob}` |").unwrap();
            for column in &columns {
                write!(table, " {} |", column[index].1).unwrap();
            }
            table.push('\n');
        }
        table
    }

    #[test]
    fn the_documented_table_is_true() {
        crate::documentation::check("policy.md", "policy table", &table());
    }

    #[test]
    fn presets_are_within_their_bounds() {
        assert_eq!(Policy::recommended().check(), Ok(()));
        assert_eq!(Policy::nakama().check(), Ok(()));
        assert_eq!(Policy::gamebase().check(), Ok(()));
        assert_eq!(Policy::braincloud().check(), Ok(()));
    }

    #[test]
    fn each_bound_is_named() {
        let broken = [
            Policy { access_lifetime: TimeDelta::minutes(61), ..Policy::default() },
            Policy { session_idle: TimeDelta::zero(), ..Policy::default() },
            Policy { session_absolute: TimeDelta::MAX, ..Policy::default() },
            Policy { step_up: Some(TimeDelta::MAX), ..Policy::default() },
            Policy { ticket_lifetime: Some(TimeDelta::days(2)), ..Policy::default() },
            Policy { identities_per_account: 0, ..Policy::default() },
            Policy { refresh_grace: TimeDelta::minutes(6), ..Policy::default() },
            Policy { sessions_per_account: 0, ..Policy::default() },
            Policy { password_min: 7, ..Policy::default() },
            Policy {
                password_attempts: Rate { limit: 0, window: TimeDelta::minutes(1) },
                ..Policy::default()
            },
            Policy { ticket_lifetime: Some(TimeDelta::days(2)), ..Policy::default() },
            Policy { withdrawal_grace: TimeDelta::days(31), ..Policy::default() },
            Policy { carry_ban: Some(TimeDelta::zero()), ..Policy::default() },
            Policy {
                ban_templates: vec![BanTemplate {
                    code: 1,
                    name: "without words".into(),
                    messages: BTreeMap::new(),
                    default_language: "en".into(),
                }],
                ..Policy::default()
            },
            Policy {
                lockdown: Some(Lockdown {
                    trigger: RefundTrigger::Amount(crate::lifecycle::Amount::minor(0)),
                    currency: "USD".into(),
                    ban: crate::lifecycle::BanPeriod::Permanent,
                    template: None,
                    release: None,
                }),
                ..Policy::default()
            },
            Policy {
                transfer_attempts: Rate { limit: 1, window: TimeDelta::zero() },
                ..Policy::default()
            },
        ];
        let mut rules: Vec<_> = broken.iter().map(Policy::check).collect();
        assert!(rules.iter().all(Result::is_err));
        rules.dedup();
        assert_eq!(rules.len(), broken.len());
    }
}
