//! Every knob, and what each preset says.

use chrono::TimeDelta;

use crate::account::ProviderId;
use crate::session::ClaimStyle;

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
    /// Whether an unlink and a change of password end all sessions but the one that asked, and that one too when it
    /// was opened by what was unlinked (security 63, 72).
    pub credential_change_ends_sessions: bool,
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
const LONGEST: TimeDelta = TimeDelta::days(3653);

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
            credential_change_ends_sessions: true,
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
            credential_change_ends_sessions: false,
            step_up: None,
            generated_usernames: true,
            password_min: 8,
            tells_unknown_accounts: true,
            tells_bans_first: true,
            ..Self::recommended()
        }
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
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(InvalidPolicy(rule)),
            None => Ok(()),
        }
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
                credential_change_ends_sessions,
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
            let attempts = password_attempts;
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
                ("credential_change_ends_sessions", yes(credential_change_ends_sessions)),
                ("identities_per_account", identities_per_account.to_string()),
                ("step_up", step_up.as_ref().map_or("none".to_owned(), seconds)),
                ("generated_usernames", yes(generated_usernames)),
                ("password_min", password_min.to_string()),
                ("tells_unknown_accounts", yes(tells_unknown_accounts)),
                ("tells_bans_first", yes(tells_bans_first)),
                (
                    "password_attempts",
                    format!("{} in {}", attempts.limit, seconds(&attempts.window)),
                ),
                ("login_events", yes(login_events)),
            ]
        };
        let mut table =
            String::from("| knob | `recommended()` | `nakama()` |\n| --- | --- | --- |\n");
        for ((knob, safe), (_, nakama)) in
            row(&Policy::recommended()).into_iter().zip(row(&Policy::nakama()))
        {
            writeln!(table, "| `{knob}` | {safe} | {nakama} |").unwrap();
        }
        table
    }

    #[test]
    fn the_documented_table_is_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md");
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page.contains(&table()), "docs/policy.md must hold this table:\n{}", table());
    }

    #[test]
    fn presets_are_within_their_bounds() {
        assert_eq!(Policy::recommended().check(), Ok(()));
        assert_eq!(Policy::nakama().check(), Ok(()));
    }

    #[test]
    fn each_bound_is_named() {
        let broken = [
            Policy { access_lifetime: TimeDelta::minutes(61), ..Policy::default() },
            Policy { session_idle: TimeDelta::zero(), ..Policy::default() },
            Policy { session_absolute: TimeDelta::MAX, ..Policy::default() },
            Policy { step_up: Some(TimeDelta::MAX), ..Policy::default() },
            Policy { identities_per_account: 0, ..Policy::default() },
            Policy { refresh_grace: TimeDelta::minutes(6), ..Policy::default() },
            Policy { sessions_per_account: 0, ..Policy::default() },
            Policy { password_min: 7, ..Policy::default() },
            Policy {
                password_attempts: Rate { limit: 0, window: TimeDelta::minutes(1) },
                ..Policy::default()
            },
        ];
        let mut rules: Vec<_> = broken.iter().map(Policy::check).collect();
        assert!(rules.iter().all(Result::is_err));
        rules.dedup();
        assert_eq!(rules.len(), broken.len());
    }
}
