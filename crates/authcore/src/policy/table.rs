//! The documentation's table of knobs.

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::{Policy, Rate};

/// Each knob, what the presets say and why, as the documentation shows it. A new knob does not compile here before it has
/// a row.
#[expect(clippy::too_many_lines, reason = "a line a knob")]
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
            tells_unknown_providers,
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
            nonce_attempts,
            provider_attempts,
            creation_attempts,
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
        let limit = |limit: &Option<Rate>| limit.as_ref().map_or("none".to_owned(), rate);
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
            ("tells_unknown_providers", yes(tells_unknown_providers)),
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
            ("nonce_attempts", rate(nonce_attempts)),
            ("provider_attempts", limit(provider_attempts)),
            ("creation_attempts", limit(creation_attempts)),
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
    let mut table = String::from("| knob | what it says |");
    for (name, _) in &presets {
        write!(table, " `{name}` |").unwrap();
    }
    table.push_str(" why |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    let columns: Vec<_> = presets.iter().map(|(_, policy)| row(policy)).collect();
    for (index, (knob, _)) in columns[0].iter().enumerate() {
        let text = meaning(knob);
        let (meaning, why) = text.split_once(" Why: ").unwrap();
        write!(table, "| `{knob}` | {meaning} |").unwrap();
        for column in &columns {
            write!(table, " {} |", column[index].1).unwrap();
        }
        writeln!(table, " {why} |").unwrap();
    }
    table
}

/// What the code says of a knob, and why the presets choose as they do.
fn meaning(knob: &str) -> String {
    let code = include_str!("mod.rs");
    let (before, _) = code.split_once(&format!("\n    pub {knob}: ")).unwrap();
    let mut lines: Vec<_> =
        before.lines().rev().map_while(|line| line.strip_prefix("    /// ")).collect();
    lines.reverse();
    // The page is no place for the code's links: `[x](y)` is `x` there.
    let mut parts =
        lines.join(" ").replace('[', "").split("](").map(str::to_owned).collect::<Vec<_>>();
    for part in parts.iter_mut().skip(1) {
        *part = part.split_once(')').unwrap().1.to_owned();
    }
    parts.concat()
}

#[test]
fn the_documented_table_is_true() {
    crate::documentation::check("policy.md", "policy table", &table());
}
