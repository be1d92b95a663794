use chrono::TimeDelta;

use super::*;
use crate::account::{Epoch, Folding, Ordinal, ProviderId, SessionId};
use crate::lifecycle::{Amount, BanPeriod, BanSource, ReleaseRule, Standing};
use crate::session::{Method, Vars};
use crate::store::{CodeKey, TransferKey};
use crate::transfer::IssuedBy;

fn at(days: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days)
}

fn ban(days: i64) -> Ban {
    Ban {
        since: at(days),
        expiry: Expiry::At(at(days + 1)),
        message: "cheating".into(),
        template: Some(7),
        reason: "SECRET report 17".into(),
        source: BanSource::Console,
        registrar: "SECRET operator".into(),
        flags: vec!["leaderboard".into()],
    }
}

fn session() -> Session {
    Session {
        id: SessionId::from_bytes([2; 16]),
        identity: Some(Ordinal::FIRST),
        method: Method::Password,
        authenticated_at: at(8),
        last_used_at: at(9),
        idle_expires_at: at(20),
        expires_at: at(30),
        generation: 3,
        access_revoked: false,
        refresh_revoked: false,
        client_vars: Vars::from([("level".into(), "7".into())]),
        server_vars: Vars::from([("region".into(), "eu".into())]),
        device_name: Some("Ann's phone".into()),
        device_id: Some("a-device".into()),
        epoch: Epoch::FIRST,
        store_epoch: Epoch::FIRST,
    }
}

/// An account and an activity that lack nothing.
fn full() -> (Account, Activity) {
    let mut account = Account::new(AccountId::from_bytes([1; 16]), at(0));
    account.username = Some(Username::new("Ann", Folding::Exact));
    account.profile.display_name = "Ann".into();
    let email = IdentityKey::new(ProviderId::EMAIL, "ann@example.com");
    account.add_identity(email.clone(), Some("Ann@example.com".into()), at(0));
    if let Some(identity) = account.identities.first_mut() {
        identity.verified_at = Some(at(1));
        identity.data = Some(r#"{"locale":"en"}"#.into());
    }
    account.password = Some(Password { hash: "SECRET hash".into(), version: 2, set_at: at(1) });
    account.ban = BanState::Grace(Box::new(GraceBan {
        since: at(5),
        deadline: at(15),
        message: "pay up".into(),
        rule: ReleaseRule::All { amount: Amount::minor(500), count: 2 },
        currency: "USD".into(),
        payments: vec![Payment {
            purchase: "order-1".into(),
            amount: Amount::minor(99),
            at: at(6),
        }],
        then: BanPeriod::Permanent,
        template: Some(7),
    }));
    account.withdrawal = Withdrawal::Pending { since: at(7), due: at(14) };
    let released = BanEnd::Released {
        at: at(2),
        source: BanSource::AppServer,
        by: "SECRET other operator".into(),
        reason: "SECRET appeal".into(),
    };
    let ends = [
        released,
        BanEnd::Expired { at: at(3) },
        BanEnd::Replaced { at: at(4) },
        BanEnd::Withdrawn { at: at(5) },
    ];
    let past = ends.into_iter().map(|end| PastBan { ban: ban(1), end });
    account.records = Records {
        past_bans: past.collect(),
        refunds: Refunds { count: 1, amount: Amount::minor(99) },
        tickets: vec![ForcingTicket {
            key: CodeKey::new([0xab; 32]),
            identity: IdentityKey::new(ProviderId::CUSTOM, "other"),
            ordinal: Some(Ordinal::FIRST),
            owner: AccountId::from_bytes([3; 16]),
            owner_standing: Standing::Normal,
            expires_at: at(9),
            used_at: None,
        }],
        transfer: Some(Box::new(TransferAccount {
            key: TransferKey::new([0xab; 32]),
            id: Some("TRANSFER1".into()),
            password_hash: Some("SECRET transfer hash".into()),
            issued_by: IssuedBy::Auto,
            device: Some("a-device".into()),
            issued_at: at(2),
            expiry: Expiry::Never,
            state: TransferState::Issued { failures: 1 },
        })),
    };
    let activity = Activity {
        login_count: 5,
        last_login: Some(LoginRecord { at: at(8), identity: Some(Ordinal::FIRST) }),
        previous_login_at: Some(at(6)),
        sessions: vec![session()],
    };
    (account, activity)
}

#[test]
fn security_104_the_documented_export_is_a_true_one() {
    let (account, activity) = full();
    let export = export(&account, &activity, Reader::Player, at(10));
    let text = format!("```json\n{export:#}\n```");
    crate::documentation::check("export.md", "export example", &text);
}

#[test]
fn security_104_secrets_are_said_to_exist_and_not_shown() {
    let (account, activity) = full();
    let text = export(&account, &activity, Reader::Player, at(10)).to_string();
    assert!(text.contains("kept, not shown"));
    assert!(!text.contains("SECRET") && !text.contains("abab"), "{text}");
    let text = export(&account, &activity, Reader::Operator, at(10)).to_string();
    for secret in ["SECRET hash", "SECRET transfer hash", "abab"] {
        assert!(!text.contains(secret), "{secret}");
    }
    for words in ["SECRET report 17", "SECRET operator", "SECRET appeal"] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn debug_shows_nothing_of_an_export() {
    let (account, activity) = full();
    let export = Export(export(&account, &activity, Reader::Player, at(10)));
    assert_eq!(format!("{export:?}"), "Export([redacted])");
}
