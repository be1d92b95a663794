use authcore::account::{Account, AccountId, Epoch};
use authcore::session::Activity;
use authcore::store::{ChangeSet, Lookup, Require, Snapshot, Write};

use crate::history::{Task, check};
use crate::make::{
    Build, account, bare, device, id, lookup_device, lookup_username, session, session_id, silent,
    with_identity,
};
use crate::trial::Trial;

/// How often each history is made anew.
const ROUNDS: u32 = 40;
/// How much each task does.
const STEPS: u32 = 4;

fn update(account: Account, found: &Snapshot) -> ChangeSet {
    silent().update(account, found.version.number())
}

fn update_activity(id: AccountId, activity: Activity, found: &Snapshot) -> ChangeSet {
    let expect = found.activity_version;
    silent().write(Write::UpdateActivity { id, activity: activity.into(), expect })
}

/// One of two neighbours.
fn either(task: &mut Task, number: u32) -> u32 {
    number + u32::from(task.draw(2) == 1)
}

/// What was found last, or, now and then, before.
fn remembered(
    task: &mut Task,
    found: Option<Snapshot>,
    before: &mut Option<Snapshot>,
) -> Option<Snapshot> {
    let old = before.take().filter(|old| {
        found.as_ref().is_some_and(|found| found.account.id == old.account.id) && task.draw(4) == 0
    });
    before.clone_from(&found);
    old.or(found)
}

pub(crate) async fn compare_and_swap(on: &mut Trial) {
    for round in 0..ROUNDS {
        let number = round * 10;
        let first = silent().insert(account(number)).insert(account(number + 1));
        let last = [Lookup::Id(id(number)), Lookup::Id(id(number + 1))];
        check(on, first, move |task| swap(task, number), &last).await;
    }
}

async fn swap(mut task: Task, number: u32) {
    let mut before = None;
    for _ in 0..STEPS {
        let which = either(&mut task, number);
        let lookup = match task.draw(3) {
            0 => lookup_username(&format!("user-{which}")),
            1 => lookup_device(&format!("device-{which}")),
            _ => Lookup::Id(id(which)),
        };
        let found = task.load(&lookup).await;
        let Some(found) = remembered(&mut task, found, &mut before) else { continue };
        let own = task.draw_own();
        match task.draw(3) {
            0 => {}
            1 => {
                let account = Account { epoch: Epoch::new(own), ..found.account.clone() };
                task.commit(update(account, &found)).await;
            }
            _ => {
                let login = Activity { login_count: own.into(), ..found.activity.clone() };
                let set = update_activity(id(which), login, &found);
                task.commit(set.require(Require::Account(id(which), found.version))).await;
            }
        }
    }
}

pub(crate) async fn one_identity_between_two_accounts(on: &mut Trial) {
    for round in 0..ROUNDS {
        let (number, key) = (round * 10, format!("it-{round}"));
        let first =
            silent().insert(with_identity(bare(number), device(&key))).insert(bare(number + 1));
        let last = [lookup_device(&key), Lookup::Id(id(number)), Lookup::Id(id(number + 1))];
        check(on, first, |task| link(task, number, key.clone()), &last).await;
    }
}

/// Links, unlinks and moves the identity.
async fn link(mut task: Task, number: u32, key: String) {
    let without = |found: &Snapshot| Account { identities: Vec::new(), ..found.account.clone() };
    for _ in 0..STEPS {
        let which = either(&mut task, number);
        let other = number + number + 1 - which;
        let lookup = if task.draw(2) == 0 { lookup_device(&key) } else { Lookup::Id(id(which)) };
        let Some(found) = task.load(&lookup).await else { continue };
        match task.draw(4) {
            0 => task.commit(update(without(&found), &found)).await,
            1 => {
                let linked = with_identity(without(&found), device(&key));
                task.commit(update(linked, &found)).await;
            }
            2 => {
                let Some(taker) = task.load(&Lookup::Id(id(other))).await else { continue };
                if taker.account.id != found.account.id {
                    let linked = with_identity(without(&taker), device(&key));
                    let set = update(linked, &taker);
                    task.commit(set.update(without(&found), found.version.number())).await;
                }
            }
            _ => {}
        }
    }
}

pub(crate) async fn sessions_and_what_ends_them(on: &mut Trial) {
    for round in 0..ROUNDS {
        let number = round * 10;
        let active = Activity { sessions: vec![session(1)], ..Activity::default() };
        let first = silent().insert_with(account(number), active);
        let last = [Lookup::Id(id(number))];
        check(on, first, move |task| use_sessions(task, number), &last).await;
    }
}

/// Opens, refreshes, ends and reads sessions.
async fn use_sessions(mut task: Task, number: u32) {
    let at = |session| authcore::session::SessionRef { account: id(number), session };
    let mut read = session_id(1);
    for _ in 0..STEPS {
        task.session(at(read)).await;
        let Some(found) = task.load(&Lookup::Id(id(number))).await else { continue };
        let mut next = found.activity.clone();
        match task.draw(6) {
            0 => {
                let mut opened = session(task.draw_own());
                opened.epoch = found.account.epoch;
                read = opened.id;
                next.sessions.push(opened);
            }
            1 => next.sessions.iter_mut().for_each(|session| session.generation += 1),
            2 => next.sessions.truncate(1),
            // A raise alone has no condition: made again after another one, it may count twice.
            end @ (3 | 4) => {
                let epoch = found.account.epoch.next();
                let set = update(Account { epoch, ..found.account.clone() }, &found);
                task.commit(if end == 3 { set } else { set.raise() }).await;
                continue;
            }
            _ => {
                task.epoch().await;
                continue;
            }
        }
        let set = update_activity(id(number), next, &found);
        task.commit(set.require(Require::Epoch(id(number), found.account.epoch))).await;
    }
}
