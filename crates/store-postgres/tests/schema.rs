//! What the tables tell to whoever reads them beside the store.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use authcore::account::{Account, Epoch, Ordinal, SessionId};
use authcore::lifecycle::{
    Ban, BanPeriod, BanSource, BanState, Expiry, GraceBan, ReleaseRule, Withdrawal, WithdrawalCause,
};
use authcore::session::{Activity, Method, Session, SessionRef, Vars};
use authcore::store::{Store, Write};
use common::make::*;
use common::{Schema, names_in, path_of};
use tokio_postgres::SimpleQueryMessage;

/// What other people's queries may read of an account.
type Columns = (Option<String>, Option<i64>, Option<i64>, Option<String>, Option<i64>, Option<i64>);

fn banned(expiry: Expiry) -> BanState {
    BanState::Banned(Box::new(Ban {
        since: at(-6),
        expiry,
        message: "\0".into(),
        template: None,
        reason: "".into(),
        source: BanSource::Console,
        registrar: "".into(),
        flags: Vec::new(),
    }))
}

fn suspended() -> BanState {
    BanState::Grace(Box::new(GraceBan {
        since: at(1),
        deadline: at(2),
        message: "".into(),
        rule: ReleaseRule::Count { count: 1 },
        currency: "".into(),
        payments: Vec::new(),
        then: BanPeriod::Permanent,
        template: None,
    }))
}

#[tokio::test]
async fn columns_tell_the_standing_to_whoever_joins_them() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let pending = Withdrawal::Pending { since: at(3), due: at(4) };
    let done = Withdrawal::Done { at: at(5), cause: WithdrawalCause::Player };
    let text = |text: &str| Some(text.to_owned());
    let rows: [(BanState, Withdrawal, Columns); 5] = [
        (BanState::None, Withdrawal::None, (None, None, None, None, None, None)),
        (
            banned(Expiry::Never),
            Withdrawal::None,
            (text("banned"), Some(-6), None, None, None, None),
        ),
        (
            banned(Expiry::At(at(7))),
            pending,
            (text("banned"), Some(-6), Some(7), text("pending"), Some(4), Some(4)),
        ),
        (
            suspended(),
            pending,
            (text("grace"), Some(1), Some(2), text("pending"), Some(4), Some(2)),
        ),
        (banned(Expiry::Never), done, (text("banned"), Some(-6), None, text("done"), None, None)),
    ];
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let client = schema.client().await;
    for (version, (ban, withdrawal, expected)) in (1..).zip(rows) {
        let account = Account { ban, withdrawal, ..account(1) };
        store.commit(&set(version + 1, [update(account, version)])).await.unwrap();
        let sql = "SELECT ban_kind, ban_since, ban_until, withdrawal_kind, withdrawal_due, due_at FROM accounts";
        let row = client.query_one(sql, &[]).await.unwrap();
        let found: Columns =
            (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5));
        assert_eq!(found, expected);
    }
}

/// By which a session is judged, without its account's row.
#[tokio::test]
async fn the_copy_tells_when_the_account_is_due() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let due = |number, millis| {
        let withdrawal = Withdrawal::Pending { since: at(3), due: at(millis) };
        Account { withdrawal, ..account(number) }
    };
    // Alone, together with others, and each written again in both ways.
    store.commit(&set(1, [insert(due(1, 4)), insert(due(2, 4))])).await.unwrap();
    store.commit(&set(2, [insert(due(3, 4))])).await.unwrap();
    let client = schema.client().await;
    let copies = async || {
        let sql = "SELECT v.account_due_at, a.due_at FROM account_activity v JOIN accounts a ON a.id = v.account_id \
                   ORDER BY a.id";
        let rows = client.query(sql, &[]).await.unwrap();
        let pair = |row: &tokio_postgres::Row| (row.get(0), row.get(1));
        rows.iter().map(pair).collect::<Vec<(Option<i64>, Option<i64>)>>()
    };
    assert_eq!(copies().await, [(Some(4), Some(4)); 3]);
    by_id(&store, 1).await.unwrap();
    store.commit(&set(3, [update(due(1, 5), 1)])).await.unwrap();
    store.commit(&set(4, [update(due(2, 5), 1)])).await.unwrap();
    store.commit(&set(5, [update(account(3), 1)])).await.unwrap();
    assert_eq!(copies().await, [(Some(5), Some(5)), (Some(5), Some(5)), (None, None)]);
}

/// A session whose parts are all different, and as large as they can be.
fn session(method: Method, turn: u8) -> Session {
    let number = u32::MAX - 10 * u32::from(turn);
    let has = |bit: u8| turn & bit != 0;
    let text = |name: &str| has(4).then(|| format!("{name} {turn}").into());
    Session {
        id: SessionId::from_bytes([0xa0 + turn; 16]),
        identity: (!has(1)).then(|| Ordinal::new(number)),
        method,
        authenticated_at: at(-1 - i64::from(turn)),
        last_used_at: at(0),
        idle_expires_at: at(1_760_000_000_000),
        expires_at: at(chrono::DateTime::<chrono::Utc>::MAX_UTC.timestamp_millis()),
        generation: number - 1,
        access_revoked: has(1),
        refresh_revoked: has(2),
        client_vars: if has(4) { Vars::from([("k".into(), "v".into())]) } else { Vars::new() },
        server_vars: Vars::new(),
        device_name: text("name"),
        device_id: text("id"),
        epoch: Epoch::new(number - 2),
        store_epoch: Epoch::new(number - 3),
    }
}

/// A row of the view, as JSON.
fn as_row(place: usize, session: &Session) -> serde_json::Value {
    serde_json::json!({
        "account_id": id(1).as_uuid().to_string(),
        "id": session.id.as_uuid().to_string(),
        "place": place,
        "identity": session.identity.map(Ordinal::number),
        "method": session.method,
        "authenticated_at": session.authenticated_at.timestamp_millis(),
        "last_used_at": session.last_used_at.timestamp_millis(),
        "idle_expires_at": session.idle_expires_at.timestamp_millis(),
        "expires_at": session.expires_at.timestamp_millis(),
        "generation": session.generation,
        "access_revoked": session.access_revoked,
        "refresh_revoked": session.refresh_revoked,
        "client_vars": session.client_vars,
        "server_vars": session.server_vars,
        "device_name": session.device_name,
        "device_id": session.device_id,
        "epoch": session.epoch.number(),
        "store_epoch": session.store_epoch.number(),
    })
}

#[tokio::test]
async fn the_view_tells_sessions_as_the_store_keeps_them() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let methods =
        [Method::Device, Method::Custom, Method::Guest, Method::Password, Method::Provider];
    let sessions: Vec<_> = (1..).zip(methods).map(|(turn, method)| session(method, turn)).collect();
    let activity = Activity { sessions: sessions.clone(), ..Activity::default() };
    let write = Write::InsertAccount { account: Box::new(account(1)), activity: activity.into() };
    store.commit(&set(1, [write, insert(account(2))])).await.unwrap();
    assert_eq!(by_id(&store, 1).await.unwrap().activity.sessions, sessions);
    for kept in &sessions {
        let at = SessionRef { account: id(1), session: kept.id };
        assert_eq!(store.session(at).await.unwrap().unwrap().session, *kept);
    }
    let client = schema.client().await;
    let sql = "SELECT to_jsonb(s)::text FROM sessions s ORDER BY account_id, place";
    let rows = client.query(sql, &[]).await.unwrap();
    let found: Vec<serde_json::Value> =
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect();
    let expected: Vec<_> =
        (1..).zip(&sessions).map(|(place, session)| as_row(place, session)).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_examples_of_the_documentation_run() {
    let page = include_str!("../../../docs/schema.md");
    let blocks = page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<_> = blocks.collect();
    assert_eq!(blocks.len(), 4);
    let schema = Schema::new().await;
    let store = schema.open().await;
    let (mut free, mut device) = (account(1), account(2));
    free.ban = banned(Expiry::At(at(7)));
    device.identities[0].key = authcore::account::IdentityKey::new(
        authcore::account::ProviderId::DEVICE,
        "my-first-device",
    );
    device.ban = banned(Expiry::Never);
    // Time has made a ban of the one, and withdrawn the other.
    let late = Account { ban: suspended(), ..account(3) };
    let due =
        Account { withdrawal: Withdrawal::Pending { since: at(3), due: at(4) }, ..account(4) };
    let over = session(Method::Device, 1);
    let alive = Session { idle_expires_at: over.expires_at, ..session(Method::Device, 2) };
    let activity = Activity { sessions: vec![over, alive.clone()], ..Activity::default() };
    let device = Write::InsertAccount { account: Box::new(device), activity: activity.into() };
    let inserted = [free, late, due].map(insert).into_iter().chain([device]);
    store.commit(&set(1, inserted)).await.unwrap();
    let client = schema.client().await;
    client.batch_execute(blocks[1]).await.unwrap();
    client.batch_execute("INSERT INTO progress SELECT id, 3 FROM accounts").await.unwrap();
    let device = id(2).to_string();
    for (block, expected) in
        [(blocks[0], alive.id.to_string()), (blocks[2], id(1).to_string()), (blocks[3], device)]
    {
        let answers = client.simple_query(block).await.unwrap();
        let found: Vec<_> = answers
            .iter()
            .filter_map(|answer| match answer {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect();
        assert_eq!(found, [expected]);
    }
}

#[tokio::test]
async fn everything_is_found_by_its_keys() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let writes = (1..=2000).map(|number| insert(account(number)));
    store.commit(&set(1, writes)).await.unwrap();
    let client = schema.client().await;
    client.batch_execute("ANALYZE").await.unwrap();
    let id = "'00000001-0000-0000-0000-000000000000'";
    let snapshot = "SELECT *, (SELECT json_agg(i ORDER BY i.ordinal)::text FROM identities i WHERE i.account_id = a.id), \
                    (SELECT json_agg(s ORDER BY s.place)::text FROM sessions s WHERE s.account_id = a.id) \
                    FROM accounts a JOIN account_activity v ON v.account_id = a.id WHERE";
    for sql in [
        format!("{snapshot} a.id = {id}"),
        format!("{snapshot} a.username_key = 'x'"),
        format!("{snapshot} a.transfer_key = 'x'"),
        format!(
            "{snapshot} a.id = (SELECT k.account_id FROM identities k WHERE k.provider = 'device' \
             AND k.subject = 'device-1' AND k.tenant = '' AND k.issuer = '')"
        ),
        "SELECT id FROM accounts WHERE due_at <= 5 ORDER BY due_at, id LIMIT 10".to_owned(),
    ] {
        let plan = client.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

/// What the conformance kit opens as what each schema left behind. With `AUTHCORE_WRITE_SCHEMAS` set, the newest is
/// written, by the `pg_dump` of the newest server that is installed.
#[tokio::test]
async fn every_schema_is_kept_with_what_it_holds() {
    let migrations = names_in("migrations");
    if std::env::var_os("AUTHCORE_WRITE_SCHEMAS").is_some() {
        let schema = Schema::new().await;
        authcore_store_conformance::seed(&schema.open().await).await;
        let newest = path_of("tests/schemas").join(migrations.last().unwrap());
        std::fs::write(newest, schema.dump()).unwrap();
    }
    let kept = names_in("tests/schemas");
    assert_eq!(kept, migrations, "one for each migration; AUTHCORE_WRITE_SCHEMAS=1 writes it");
}
