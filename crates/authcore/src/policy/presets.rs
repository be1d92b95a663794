use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{CredentialChange, Policy, Rate, Relink, Revalidation, Several, Support};
use crate::session::ClaimStyle;

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
            tells_unknown_providers: false,
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
            nonce_attempts: Rate { limit: 60, window: TimeDelta::minutes(1) },
            provider_attempts: None,
            creation_attempts: None,
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
            tells_unknown_providers: true,
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
            tells_unknown_providers: true,
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
}

impl Default for Policy {
    fn default() -> Self {
        Self::recommended()
    }
}
