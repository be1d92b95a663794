//! What serde makes of the documents is what stores keep: it changes only with [`DOCUMENT_FORMAT`].

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::account::{Identity, Ordinal, Profile, ProviderId, Records, Username};
use crate::lifecycle::{BanState, Withdrawal};
use crate::password::Password;
use crate::session::LoginRecord;

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
}

fn account() -> Account {
    Account {
        id: AccountId::from_bytes([1; 16]),
        username: Some(Username { shown: "Ann".into(), key: "ann".into() }),
        profile: Profile::default(),
        identities: vec![Identity {
            ordinal: Ordinal::FIRST,
            key: IdentityKey::new(ProviderId::DEVICE, "a\u{0}b"),
            shown: None,
            linked_at: at(-1),
            verified_at: Some(at(2)),
            data: Some("{}".into()),
        }],
        password: Some(Password { hash: "$argon2id$".into(), version: 3, set_at: at(4) }),
        ban: BanState::None,
        withdrawal: Withdrawal::Pending { since: at(5), due: at(6) },
        records: Records::default(),
        epoch: Epoch::new(7),
        next_ordinal: Ordinal::new(2),
        created_at: at(8),
        updated_at: at(9),
    }
}

fn assert_kept<T>(document: &T, json: &Value)
where
    T: Serialize + for<'de> Deserialize<'de> + PartialEq + fmt::Debug,
{
    let kept = serde_json::to_string(document).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), *json, "format {DOCUMENT_FORMAT}");
    assert_eq!(serde_json::from_str::<T>(&kept).unwrap(), *document);
}

#[test]
fn documents_keep_their_form() {
    let kept = json!({
        "id": "01010101-0101-0101-0101-010101010101",
        "username": { "shown": "Ann", "key": "ann" },
        "profile": {
            "display_name": "", "avatar_url": "", "lang_tag": "en", "location": "", "timezone": "", "metadata": "{}",
        },
        "identities": [{
            "ordinal": 1,
            "key": { "provider": "device", "tenant": "", "issuer": "", "subject": "a\u{0}b" },
            "shown": null,
            "linked_at": -1,
            "verified_at": 2,
            "data": "{}",
        }],
        "password": { "hash": "$argon2id$", "version": 3, "set_at": 4 },
        "ban": { "kind": "none" },
        "withdrawal": { "kind": "pending", "since": 5, "due": 6 },
        "records": {
            "past_bans": [], "refunds": { "count": 0, "amount": 0 }, "tickets": [], "transfer": null,
        },
        "epoch": 7,
        "next_ordinal": 2,
        "created_at": 8,
        "updated_at": 9,
    });
    assert_kept(&account(), &kept);
    let activity = Activity {
        login_count: u64::MAX,
        last_login: Some(LoginRecord { at: at(1), identity: Some(Ordinal::FIRST) }),
        previous_login_at: Some(at(-1)),
        sessions: Vec::new(),
    };
    let kept = json!({
        "login_count": u64::MAX,
        "last_login": { "at": 1, "identity": 1 },
        "previous_login_at": -1,
        "sessions": [],
    });
    assert_kept(&activity, &kept);
    let code = OneTimeCode {
        key: CodeKey::new([2; 32]),
        purpose: CodePurpose::CarriedBan,
        account: AccountId::from_bytes([1; 16]),
        credential_generation: 3,
        tries_left: 4,
        expires_at: at(5),
    };
    let kept = json!({
        "key": "02".repeat(32),
        "purpose": "carried_ban",
        "account": "01010101-0101-0101-0101-010101010101",
        "credential_generation": 3,
        "tries_left": 4,
        "expires_at": 5,
    });
    assert_kept(&code, &kept);
    let header = StoreHeader { game: "game".into(), folding: 2 };
    assert_kept(&header, &json!({ "game": "game", "folding": 2 }));
}

/// A store may keep a purpose by either name.
#[test]
fn purposes_have_one_name() {
    for purpose in [CodePurpose::VerifyEmail, CodePurpose::ResetPassword, CodePurpose::CarriedBan] {
        assert_kept(&purpose, &json!(purpose.as_str()));
    }
}
