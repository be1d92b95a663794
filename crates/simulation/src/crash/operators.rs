//! What operators, providers and the passing of time do.

use std::num::NonZeroU32;

use authcore::account::{AccountId, IdentityKey, ProviderId};
use authcore::event::EventCursor;
use authcore::lifecycle::{Amount, BanPeriod, WithdrawalCause};
use authcore::policy::{GraceRelease, Lockdown, RefundTrigger};
use authcore::{
    BanRequest, Clock as _, Error, Failed, ImportedAccount, ImportedIdentity, Kickout, Policy,
    Purchase, UnbanRequest,
};
use chrono::TimeDelta;

use super::{
    Exams, Operation, World, context, custom, device, google, guest, logins_of, operator, told,
};

pub(super) fn examine(exams: &mut Exams) {
    bans(exams);
    payments(exams);
    withdrawals(exams);
    ends(exams);
    logins(exams);
    time(exams);
}

fn done<T>(result: Result<T, Error>) -> String {
    told(result, |_| "done".to_owned())
}

fn failed(result: Result<Vec<Failed>, Error>) -> String {
    told(result, |failed| format!("{} failed", failed.len()))
}

/// Of a player with two logins.
async fn ann(world: &World) -> AccountId {
    world.player_with(device("ann"), custom("ann")).await.login.account.id
}

async fn three(world: &World) -> Vec<AccountId> {
    let mut accounts = Vec::new();
    for name in ["ann", "bob", "cem"] {
        accounts.push(world.player(device(name)).await.login.account.id);
    }
    accounts
}

fn bans(exams: &mut Exams) {
    let policy = Policy::recommended();
    exams.of(
        Operation::new("ban", "for good", "already_banned"),
        &policy,
        ann,
        async |world, id| done(world.engine.ban(&operator(), *id, BanRequest::permanent()).await),
    );
    exams.of(
        Operation::of_each("ban_many", "three", "3 failed"),
        &policy,
        three,
        async |world, ids| {
            failed(world.engine.ban_many(&operator(), ids, BanRequest::permanent()).await)
        },
    );
    exams.of(
        Operation::new("unban", "of a ban in force", "not_banned"),
        &policy,
        async |world| {
            let id = ann(world).await;
            world.engine.ban(&operator(), id, BanRequest::permanent()).await.expect("a ban");
            id
        },
        async |world, id| done(world.engine.unban(&operator(), *id, UnbanRequest::new()).await),
    );
    exams.of(
        Operation::of_each("unban_many", "three", "3 failed"),
        &policy,
        async |world| {
            let ids = three(world).await;
            let bans = world.engine.ban_many(&operator(), &ids, BanRequest::permanent()).await;
            assert!(bans.expect("bans").is_empty());
            ids
        },
        async |world, ids| {
            failed(world.engine.unban_many(&operator(), ids, UnbanRequest::new()).await)
        },
    );
}

fn purchase(id: &str) -> Purchase {
    Purchase::new(id, Amount::minor(100), "USD")
}

fn payments(exams: &mut Exams) {
    let release = GraceRelease {
        period: TimeDelta::days(3),
        rule: authcore::lifecycle::ReleaseRule::Count { count: 2 },
        message: "pay up".into(),
    };
    let policy = Policy {
        lockdown: Some(Lockdown {
            trigger: RefundTrigger::Count(NonZeroU32::MIN),
            currency: "USD".into(),
            ban: BanPeriod::Seconds(3600),
            template: None,
            release: Some(release),
        }),
        ..Policy::recommended()
    };
    let refund = async |world: &World, id: &AccountId| {
        done(world.engine.record_refund(&operator(), *id, purchase("refunded")).await)
    };
    exams.of(Operation::new("record_refund", "that suspends", "done"), &policy, ann, refund);
    exams.of(
        Operation::new("record_payment", "of a suspended player", "done"),
        &policy,
        async |world| {
            let id = ann(world).await;
            refund(world, &id).await;
            id
        },
        async |world, id| {
            done(world.engine.record_payment(&operator(), *id, purchase("paid")).await)
        },
    );
}

fn withdrawals(exams: &mut Exams) {
    let policy = Policy { step_up: None, ..Policy::recommended() };
    let by_operator = WithdrawalCause::Operator;
    exams.of(
        Operation::new("withdraw_account", "by an operator", "withdrawn"),
        &policy,
        ann,
        async |world, id| done(world.engine.withdraw_account(&operator(), *id, by_operator).await),
    );
    exams.of(
        Operation::new("withdraw_account", "of a banned one, whose ban is kept", "withdrawn"),
        &policy,
        async |world| {
            let id = ann(world).await;
            world.engine.ban(&operator(), id, BanRequest::permanent()).await.expect("a ban");
            id
        },
        async |world, id| done(world.engine.withdraw_account(&operator(), *id, by_operator).await),
    );
    exams.of(
        Operation::new("restore_pending", "of a request", "withdrawal_not_pending"),
        &policy,
        async |world| {
            let player = world.player(device("ann")).await;
            world.engine.request_withdrawal(&context(), &player.who).await.expect("a request");
            player.login.account.id
        },
        async |world, id| done(world.engine.restore_pending(&operator(), *id).await),
    );
    let key = || IdentityKey::new(google_id(), "ann");
    let with_google = async |world: &World| {
        world.player_with(google("ann"), device("ann")).await;
    };
    exams.of(
        Operation::new("provider_account_deleted", "of one of two logins", "identity_unknown"),
        &policy,
        with_google,
        async |world, ()| done(world.engine.provider_account_deleted(&operator(), &key()).await),
    );
    exams.of(
        Operation::new("provider_consent_revoked", "of what opened the session", "done")
            .repeating(),
        &policy,
        with_google,
        async |world, ()| done(world.engine.provider_consent_revoked(&operator(), &key()).await),
    );
    exams.of(
        Operation::new("provider_notice", "of what opened the session", "nothing"),
        &policy,
        with_google,
        async |world, ()| {
            let told = world.engine.provider_notice(&google_id(), &"ann".into()).await;
            super::told(told, |changed| changed.map_or("nothing", |_| "done").to_owned())
        },
    );
}

fn google_id() -> ProviderId {
    ProviderId::new("google").expect("a name")
}

fn ends(exams: &mut Exams) {
    let policy = Policy::recommended();
    exams.of(
        Operation::new("kickout", "of one", "done").repeating(),
        &policy,
        ann,
        async |world, id| {
            let kickout = Kickout::of(*id, "a test").revoking_tokens();
            done(world.engine.kickout(&operator(), kickout).await)
        },
    );
    exams.of(
        Operation::new("kickout", "of everybody", "done").repeating(),
        &policy,
        ann,
        async |world, _| {
            let kickout = Kickout::everybody("a test").revoking_tokens();
            done(world.engine.kickout(&operator(), kickout).await)
        },
    );
    exams.of(
        Operation::new("end_sessions", "of one", "done").repeating(),
        &policy,
        ann,
        async |world, id| done(world.engine.end_sessions(&operator(), *id).await),
    );
    exams.of(
        Operation::new("end_all_sessions", "of everybody", "done").repeating(),
        &policy,
        ann,
        async |world, _| done(world.engine.end_all_sessions(&operator()).await),
    );
}

fn logins(exams: &mut Exams) {
    let policy = Policy::recommended();
    exams.of(
        Operation::new("register_identity", "of a login that is free", "3 logins"),
        &policy,
        ann,
        async |world, id| {
            let key = IdentityKey::new(google_id(), "ann");
            told(world.engine.register_identity(&operator(), *id, key).await, |it| logins_of(&it))
        },
    );
    exams.of(
        Operation::new("move_identity", "to a guest", "nothing_to_change"),
        &policy,
        async |world| {
            world.player_with(google("bob"), device("bob")).await;
            world.player(guest("ann")).await.login.account.id
        },
        async |world, to| {
            let key = IdentityKey::new(google_id(), "bob");
            told(world.engine.move_identity(&operator(), &key, *to).await, |it| logins_of(&it))
        },
    );
    exams.of(
        Operation::new("unlink_identity", "of one of two", "invalid"),
        &policy,
        async |world| {
            let account = world.player_with(device("ann"), custom("ann")).await.login.account;
            (account.id, account.identities.first().expect("a login").ordinal)
        },
        async |world, (id, ordinal)| {
            let unlinked = world.engine.unlink_identity(&operator(), *id, *ordinal).await;
            told(unlinked, |it| logins_of(&it))
        },
    );
    exams.of(
        Operation::new("import_account", "with two logins", "identity_taken"),
        &policy,
        async |_| (),
        async |world, ()| {
            let mut imported = ImportedAccount::default();
            imported.username = Some("ann".into());
            imported.identities = vec![
                ImportedIdentity::new(google_id(), "ann"),
                ImportedIdentity::new(ProviderId::CUSTOM, "custom-id-of-ann"),
            ];
            told(world.engine.import_account(&operator(), imported).await, |it| logins_of(&it))
        },
    );
}

fn time(exams: &mut Exams) {
    let swept = |result: Result<authcore::Swept, Error>| {
        told(result, |swept| format!("{} settled", swept.settled))
    };
    exams.of(
        Operation::of_each("sweep", "a ban and a withdrawal that are due", "0 settled"),
        &Policy { step_up: None, ..Policy::recommended() },
        async |world| {
            let banned = world.player(device("ann")).await.login.account.id;
            let until = world.clock.now() + TimeDelta::days(1);
            world.engine.ban(&operator(), banned, BanRequest::until(until)).await.expect("a ban");
            let leaves = world.player(device("bob")).await;
            world.engine.request_withdrawal(&context(), &leaves.who).await.expect("a request");
            world.clock.advance(TimeDelta::days(8));
        },
        async |world, ()| swept(world.engine.sweep(100).await),
    );
    exams.of(
        Operation::new("sweep", "the memory of a ban", "0 settled"),
        &Policy::recommended(),
        async |world| {
            let id = ann(world).await;
            world.engine.ban(&operator(), id, BanRequest::permanent()).await.expect("a ban");
            let cause = WithdrawalCause::Operator;
            world.engine.withdraw_account(&operator(), id, cause).await.expect("a withdrawal");
            world.clock.advance(TimeDelta::days(200));
        },
        async |world, ()| swept(world.engine.sweep(100).await),
    );
    exams.of(
        Operation::new("prune_events", "all that there are", "0 pruned"),
        &Policy::recommended(),
        three,
        async |world, _| {
            let pruned = world.engine.prune_events(&operator(), EventCursor::new(1000)).await;
            told(pruned, |count| format!("{count} pruned"))
        },
    );
}
