//! What only reads writes nothing that is kept, whatever time has done meanwhile; a try may be counted.

use std::sync::{Arc, Mutex};

use authcore::account::{AccountId, IdentityKey, ProviderId};
use authcore::event::EventCursor;
use authcore::{BanRequest, Clock as _, Credential, Engine, Error, FindAccounts, Merge, Policy};
use chrono::TimeDelta;
use futures_executor::block_on;

use super::state::LEFT_OUT;
use super::transfers::rules;
use super::{Exams, Player, World, context, device, guest, lock, open, operator, told};

fn done<T>(result: Result<T, Error>) -> String {
    told(result, |_| "done".to_owned())
}

fn email() -> Credential {
    Credential::Email { email: "bob@example.com".into(), password: "a long password of bob".into() }
}

/// Ann, who has a transfer account, and Carl, whose ban is over, which nobody has written yet. Bob has a password.
async fn people(world: &World) -> (Player, AccountId) {
    let carl = world.player(device("carl")).await.login.account.id;
    let until = world.clock.now() + TimeDelta::minutes(1);
    world.engine.ban(&operator(), carl, BanRequest::until(until)).await.expect("a ban");
    world.player(email()).await;
    let ann = world.player(guest("ann")).await;
    world.engine.issue_transfer_account(&context(), &ann.who).await.expect("one");
    world.clock.advance(TimeDelta::minutes(2));
    (ann, carl)
}

pub(super) fn examine(exams: &mut Exams) {
    let policy = Policy { transfer: Some(rules()), step_up: None, ..Policy::recommended() };
    let set_up = exams.disk.copy(&exams.empty);
    let world = open(&set_up, 1, &policy, Arc::new(|_| {}));
    let (ann, carl) = block_on(people(&world));
    let now = world.clock.now();
    drop(world);
    let mut read = |method, call: &dyn Fn(&Engine) -> String| {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&steps);
        let hook = Arc::new(move |step| lock(&seen).push(step));
        let world = open(&exams.disk.copy(&set_up), 2, &policy, hook);
        world.clock.set(now);
        // The binding of the store to its game.
        lock(&steps).clear();
        let answer = call(&world.engine);
        let kept = |step: &&str| *step != "commit" && !LEFT_OUT.contains(step);
        let kept = lock(&steps).iter().any(kept);
        if answer != "done" || kept {
            let wrong = format!("{method}, which reads: {answer}, it wrote {:?}", lock(&steps));
            exams.violations.push(wrong);
        }
        exams.readers.insert(method);
    };
    let (who, token) = (&ann.who, ann.login.tokens.access.reveal());
    read("account", &|it| done(block_on(it.account(&context(), who))));
    read("account_by_token", &|it| done(block_on(it.account_by_token(&context(), token))));
    read("verify", &|it| done(block_on(it.verify(token))));
    read("verify_with_account", &|it| done(block_on(it.verify_with_account(token))));
    read("export", &|it| done(block_on(it.export(who))));
    read("mappings", &|it| done(block_on(it.mappings(who))));
    read("sessions", &|it| done(block_on(it.sessions(who))));
    read("transfer_account", &|it| done(block_on(it.transfer_account(who))));
    read("find_accounts", &|it| {
        let mut find = FindAccounts::default();
        find.ids = vec![carl];
        done(block_on(it.find_accounts(&context(), who, find)))
    });
    read("merge_preview", &|it| {
        done(block_on(it.merge_preview(&context(), who, Merge::new(email()))))
    });
    read("issue_nonce", &|it| {
        let google = ProviderId::new("google").expect("a name");
        done(block_on(it.issue_nonce(&context(), Some(who), &google, "")))
    });
    read("accounts_by_id", &|it| done(block_on(it.accounts_by_id(&operator(), &[carl]))));
    read("accounts_by_identity", &|it| {
        let key = IdentityKey::new(ProviderId::DEVICE, "device-id-of-carl");
        done(block_on(it.accounts_by_identity(&operator(), &[key])))
    });
    read("bans", &|it| done(block_on(it.bans(&operator(), carl))));
    read("events", &|it| done(block_on(it.events(&operator(), EventCursor::new(0), 100))));
    read("export_account", &|it| done(block_on(it.export_account(&operator(), carl))));
}
