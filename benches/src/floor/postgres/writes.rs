//! What the floor writes.

use std::collections::HashSet;

use tokio::sync::oneshot;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::reads::Loaded;
use super::sessions::{Kept, written};
use super::{Ask, Connection};
use crate::Outcome;

const LOGIN: &str = "UPDATE account_activity v SET version = v.version + 1, login_count = t.login_count, \
       last_login_at = t.now, last_login_ordinal = 1, previous_login_at = t.previous, sessions = t.sessions, \
       commit_ids = substring(t.commit_id || v.commit_ids from 1 for 128) \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], \
       $8::bytea[]) AS t (account_id, expect, account_version, login_count, now, previous, sessions, commit_id) \
     WHERE v.account_id = t.account_id AND v.version = t.expect AND v.account_version = t.account_version \
     RETURNING v.account_id";
const REFRESH: &str = "UPDATE account_activity v SET version = v.version + 1, sessions = t.sessions, \
       commit_ids = substring(t.commit_id || v.commit_ids from 1 for 128) \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[]) \
       AS t (account_id, expect, epoch, sessions, commit_id) \
     WHERE v.account_id = t.account_id AND v.version = t.expect AND v.account_epoch = t.epoch \
     RETURNING v.account_id";
const NEW_IDENTITIES: &str = "INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, linked_at) \
     SELECT account_id, ordinal, provider, subject, '', '', now FROM unnest($1::uuid[], $2::bigint[], $3::text[], \
     $4::text[], $5::bigint[]) AS t (account_id, ordinal, provider, subject, now) \
     ON CONFLICT (provider, subject, tenant, issuer) DO NOTHING";
const NEW_ACCOUNTS: &str = "INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, \
     lang_tag, location, timezone, metadata, next_ordinal, created_at, updated_at, commit_ids) \
     SELECT id, 1, 0, username, username, '', '', 'en', '', '', '{}', 2, now, now, commit_id \
     FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bytea[]) AS t (id, username, now, commit_id)";
const NEW_ACTIVITIES: &str = "INSERT INTO account_activity (account_id, version, account_version, account_epoch, \
     login_count, last_login_at, last_login_ordinal, sessions, commit_ids) \
     SELECT id, 1, 1, 0, 1, now, 1, sessions, commit_id \
     FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) AS t (id, now, sessions, commit_id)";
const LINK: &str = "UPDATE accounts a SET version = a.version + 1, next_ordinal = t.ordinal + 1, updated_at = t.now, \
     commit_ids = substring(t.commit_id || a.commit_ids from 1 for 128) \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) \
     AS t (id, expect, ordinal, now, commit_id) WHERE a.id = t.id AND a.version = t.expect";
const COPY: &str = "UPDATE account_activity v SET account_version = t.version \
     FROM unnest($1::uuid[], $2::bigint[]) AS t (id, version) WHERE v.account_id = t.id";
const OLD_IDENTITIES: &str = "DELETE FROM identities i USING unnest($1::uuid[], $2::bigint[]) AS t (id, ordinal) \
     WHERE i.account_id = t.id AND i.ordinal = t.ordinal";
const OUTBOX: &str =
    "SELECT pg_advisory_xact_lock_shared(1635084392, 'events'::regclass::oid::int4)";
const EVENTS: &str = "INSERT INTO events (at, account_id, format, data) SELECT at, account_id, 1, data::jsonb \
     FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS t (at, account_id, data)";

/// All that a writer prepares.
pub(super) const STATEMENTS: [&str; 10] = [
    LOGIN,
    REFRESH,
    NEW_IDENTITIES,
    NEW_ACCOUNTS,
    NEW_ACTIVITIES,
    LINK,
    COPY,
    OLD_IDENTITIES,
    OUTBOX,
    EVENTS,
];

#[derive(Debug)]
pub(super) enum Change {
    Login(Ask<Login, bool>),
    Refresh(Ask<Refresh, bool>),
    Create(Ask<Newcomer, bool>),
    Link(Ask<Link, bool>),
}

#[derive(Debug)]
pub(super) struct Login {
    pub(super) loaded: Loaded,
    pub(super) now: i64,
    pub(super) sessions: Vec<Kept>,
    pub(super) commit: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Refresh {
    pub(super) loaded: Loaded,
    pub(super) sessions: Vec<Kept>,
    pub(super) commit: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) id: Uuid,
    pub(super) username: String,
    pub(super) device: String,
    pub(super) session: Kept,
    pub(super) commit: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) loaded: Loaded,
    pub(super) custom: String,
    pub(super) now: i64,
    pub(super) commit: Vec<u8>,
}

pub(super) async fn write(connection: &Connection, batch: Vec<Change>) -> Outcome<()> {
    let (mut logins, mut refreshes, mut news, mut links) = (vec![], vec![], vec![], vec![]);
    for change in batch {
        match change {
            Change::Login(ask) => logins.push(ask),
            Change::Refresh(ask) => refreshes.push(ask),
            Change::Create(ask) => news.push(ask),
            Change::Link(ask) => links.push(ask),
        }
    }
    if !logins.is_empty() {
        let (logins, answers): (Vec<_>, Vec<_>) = sorted(logins, |login| login.loaded.id);
        let written = write_logins(connection, &logins).await?;
        for (login, answer) in logins.iter().zip(answers) {
            let _ = answer.send(written.contains(&login.loaded.id));
        }
    }
    if !refreshes.is_empty() {
        let (refreshes, answers): (Vec<_>, Vec<_>) = sorted(refreshes, |refresh| refresh.loaded.id);
        let written = write_refreshes(connection, &refreshes).await?;
        for (refresh, answer) in refreshes.iter().zip(answers) {
            let _ = answer.send(written.contains(&refresh.loaded.id));
        }
    }
    if !news.is_empty() {
        let (news, answers): (Vec<_>, Vec<_>) = sorted(news, |new| new.id);
        let done = write_newcomers(connection, &news).await?;
        answer_all(answers, done);
    }
    if !links.is_empty() {
        let (links, answers): (Vec<_>, Vec<_>) = sorted(links, |link| link.loaded.id);
        let done = write_links(connection, &links).await?;
        answer_all(answers, done);
    }
    Ok(())
}

fn answer_all(answers: Vec<oneshot::Sender<bool>>, done: bool) {
    for answer in answers {
        let _ = answer.send(done);
    }
}

type Sorted<T> = (Vec<T>, Vec<oneshot::Sender<bool>>);

fn sorted<T>(mut asks: Vec<Ask<T, bool>>, id: fn(&T) -> Uuid) -> Sorted<T> {
    asks.sort_by_key(|(what, _)| id(what));
    asks.into_iter().unzip()
}

fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

async fn write_logins(connection: &Connection, logins: &[Login]) -> Outcome<HashSet<Uuid>> {
    let rows = connection
        .query(
            LOGIN,
            &[
                &column(logins, |login| login.loaded.id),
                &column(logins, |login| login.loaded.activity_version),
                &column(logins, |login| login.loaded.version),
                &column(logins, |login| login.loaded.login_count + 1),
                &column(logins, |login| login.now),
                &column(logins, |login| login.loaded.last_login_at),
                &column(logins, |login| written(&login.sessions)),
                &column(logins, |login| login.commit.clone()),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn write_refreshes(connection: &Connection, refreshes: &[Refresh]) -> Outcome<HashSet<Uuid>> {
    let rows = connection
        .query(
            REFRESH,
            &[
                &column(refreshes, |refresh| refresh.loaded.id),
                &column(refreshes, |refresh| refresh.loaded.activity_version),
                &column(refreshes, |refresh| refresh.loaded.epoch),
                &column(refreshes, |refresh| written(&refresh.sessions)),
                &column(refreshes, |refresh| refresh.commit.clone()),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// All or none: nobody here makes the same device twice.
async fn write_newcomers(connection: &Connection, news: &[Newcomer]) -> Outcome<bool> {
    let ids = column(news, |new| new.id);
    let times = column(news, |new| new.session.session.authenticated_at);
    let commits = column(news, |new| new.commit.clone());
    let ones = column(news, |_| 1_i64);
    let devices = column(news, |_| "device");
    let subjects = column(news, |new| new.device.as_str());
    let names = column(news, |new| new.username.as_str());
    let sessions = column(news, |new| written(std::slice::from_ref(&new.session)));
    connection.client.batch_execute("BEGIN").await?;
    let owned =
        connection.execute(NEW_IDENTITIES, &[&ids, &ones, &devices, &subjects, &times]).await?;
    if owned != u64::try_from(news.len())? {
        connection.client.batch_execute("ROLLBACK").await?;
        return Ok(false);
    }
    let told: Vec<_> = news
        .iter()
        .flat_map(|new| {
            let told = |event| (new.session.session.authenticated_at, new.id, event);
            [
                told(r#"{"type":"account_created"}"#),
                told(r#"{"type":"identity_linked","ordinal":1,"provider":"device"}"#),
            ]
        })
        .collect();
    let (at, whose, what) = events(&told);
    let accounts: [&(dyn ToSql + Sync); 4] = [&ids, &names, &times, &commits];
    let activities: [&(dyn ToSql + Sync); 4] = [&ids, &times, &sessions, &commits];
    let happened: [&(dyn ToSql + Sync); 3] = [&at, &whose, &what];
    // Sent one behind the other.
    tokio::try_join!(
        connection.execute(NEW_ACCOUNTS, &accounts),
        connection.execute(NEW_ACTIVITIES, &activities),
        connection.execute(OUTBOX, &[]),
        connection.execute(EVENTS, &happened),
        connection.commit(),
    )?;
    Ok(true)
}

type Events<'a> = (Vec<i64>, Vec<Uuid>, Vec<&'a str>);

fn events<'a>(told: &[(i64, Uuid, &'a str)]) -> Events<'a> {
    (column(told, |told| told.0), column(told, |told| told.1), column(told, |told| told.2))
}

/// Each replaces the custom id of its account. All or none: nobody here loses a race.
async fn write_links(connection: &Connection, links: &[Link]) -> Outcome<bool> {
    let ids = column(links, |link| link.loaded.id);
    let expect = column(links, |link| link.loaded.version);
    let versions = column(links, |link| link.loaded.version + 1);
    let ordinals = column(links, |link| link.loaded.next_ordinal);
    let nows = column(links, |link| link.now);
    let commits = column(links, |link| link.commit.clone());
    let customs = column(links, |_| "custom");
    let subjects = column(links, |link| link.custom.as_str());
    let old: Vec<_> = links
        .iter()
        .flat_map(|link| {
            let old = link.loaded.identities.iter().filter(|kept| kept.provider == "custom");
            old.map(|kept| (link.loaded.id, kept.ordinal))
        })
        .collect();
    let texts: Vec<_> = old
        .iter()
        .map(|(id, ordinal)| {
            (
                *id,
                format!(
                    r#"{{"type":"identity_unlinked","ordinal":{ordinal},"provider":"custom"}}"#
                ),
            )
        })
        .chain(links.iter().map(|link| {
            let ordinal = link.loaded.next_ordinal;
            let text =
                format!(r#"{{"type":"identity_linked","ordinal":{ordinal},"provider":"custom"}}"#);
            (link.loaded.id, text)
        }))
        .collect();
    let at = links.first().map_or(0, |link| link.now);
    let told: Vec<_> = texts.iter().map(|(id, text)| (at, *id, text.as_str())).collect();
    let (at, whose, what) = events(&told);
    let (old_ids, old_ordinals) = (column(&old, |old| old.0), column(&old, |old| old.1));
    let linked: [&(dyn ToSql + Sync); 5] = [&ids, &expect, &ordinals, &nows, &commits];
    let copied: [&(dyn ToSql + Sync); 2] = [&ids, &versions];
    let ((), changed, copied) = tokio::try_join!(
        connection.begin(),
        connection.execute(LINK, &linked),
        connection.execute(COPY, &copied),
    )?;
    let count = u64::try_from(links.len())?;
    if changed != count || copied != count {
        connection.client.batch_execute("ROLLBACK").await?;
        return Ok(false);
    }
    let gone: [&(dyn ToSql + Sync); 2] = [&old_ids, &old_ordinals];
    let new: [&(dyn ToSql + Sync); 5] = [&ids, &ordinals, &customs, &subjects, &nows];
    let happened: [&(dyn ToSql + Sync); 3] = [&at, &whose, &what];
    let (_, owned, ..) = tokio::try_join!(
        connection.execute(OLD_IDENTITIES, &gone),
        connection.execute(NEW_IDENTITIES, &new),
        connection.execute(OUTBOX, &[]),
        connection.execute(EVENTS, &happened),
        connection.commit(),
    )?;
    Ok(owned == count)
}
