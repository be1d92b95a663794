//! Device links that follow the login (braincloud 4.3).

use authcore::account::{AccountId, IdentityKey, ProviderId};
use authcore::event::{EventCursor, EventKind};
use authcore::lifecycle::{Standing, standing};
use authcore::policy::CredentialChange;
use authcore::refusal::{Field, Rule};
use authcore::store::Lookup;
use authcore::{Credential, Login, Policy, Refusal};
use authcore_testkit::Harness;

use super::{
    activity, anonymous, ask, context, device_id, external, external_world, into, kept, lives,
    load, refusal, universal, who,
};
use crate::domain::{block_on, operator};

/// Whose a device is.
async fn owner(world: &Harness, device: &str) -> Option<AccountId> {
    let key = IdentityKey::new(ProviderId::DEVICE, &device_id(device));
    load(world, Lookup::Identity(key)).await.map(|found| found.account.id)
}

async fn events(world: &Harness, account: AccountId) -> Vec<EventKind> {
    let all = world.engine().events(&operator(), EventCursor::START, 1000).await.unwrap();
    let of_it = all.into_iter().filter(|stored| stored.event.account == account);
    of_it.map(|stored| stored.event.kind).collect()
}

#[test]
fn braincloud_4_3_each_kind_of_login_takes_the_device_along() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let email =
            || Credential::Email { email: "ann@example.com".into(), password: "password".into() };
        let custom = || Credential::Custom("custom-id".into());
        let guest = || Credential::Guest("a-guest-key-of-16-bytes".into());
        let kinds: [&dyn Fn() -> Credential; 6] = [
            &|| external("v", "ann", "ok"),
            &|| universal("ann", "password"),
            &email,
            &custom,
            &guest,
            &|| anonymous("older"),
        ];
        let mut ids = Vec::new();
        for kind in kinds {
            let player = ask(world.engine(), kind(), true, "", "A").await.unwrap();
            assert_eq!(owner(&world, "A").await, Some(player.account.id), "at creation");
            ids.push(player.account.id);
        }
        for (kind, id) in kinds.iter().zip(&ids) {
            let got = ask(world.engine(), kind(), false, &id.to_string(), "A").await;
            assert_eq!(into(&got), Ok(*id));
            assert_eq!(owner(&world, "A").await, Some(*id), "at each login");
        }
        assert_eq!(owner(&world, "older").await, ids.last().copied(), "4.2: both are linked");
    });
}

#[test]
fn braincloud_4_3_the_former_account_keeps_its_other_logins() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let ann = ask(world.engine(), external("v", "ann", "ok"), true, "", "A").await.unwrap();
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "A").await.unwrap();
        let former = kept(&world, ann.account.id).await.account;
        assert_eq!(former.identities.len(), 1);
        assert_eq!(standing(&former), Standing::Normal);
        let moved = EventKind::IdentityMoved {
            ordinal: ann.account.identities[1].ordinal,
            provider: ProviderId::DEVICE,
            to: bob.account.id,
        };
        assert!(events(&world, ann.account.id).await.contains(&moved));
        assert!(lives(world.engine(), &ann).await, "sessions are kept");
        let got = ask(world.engine(), external("v", "ann", "ok"), false, "", "B").await;
        assert_eq!(into(&got), Ok(ann.account.id));
    });
}

#[test]
fn braincloud_4_3_a_former_account_without_another_login_is_missing() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let guest = ask(world.engine(), anonymous("A"), true, "", "A").await.unwrap();
        let ann = ask(world.engine(), external("v", "ann", "ok"), true, "", "A").await.unwrap();
        assert_eq!(owner(&world, "A").await, Some(ann.account.id));
        let lost = kept(&world, guest.account.id).await.account;
        assert_eq!(standing(&lost), Standing::Missing);
        assert_eq!(lost.epoch, guest.account.epoch.next());
        assert_eq!(events(&world, lost.id).await.last(), Some(&EventKind::Lost));
        let verified = world.engine().verify(guest.tokens.access.reveal()).await;
        assert_eq!(refusal(verified), Refusal::AccessTokenInvalid);
    });
}

#[test]
fn braincloud_4_3_sessions_of_the_moved_device_end_where_the_policy_says_so() {
    block_on(async {
        for (change, device_lives, other_lives) in [
            (CredentialChange::KeepsSessions, true, true),
            (CredentialChange::EndsItsSessions, false, true),
            (CredentialChange::EndsOtherSessions, false, false),
        ] {
            let policy = Policy {
                credential_change: change,
                sessions_per_account: 10,
                ..Policy::braincloud()
            };
            let world = external_world(policy).await;
            let engine = world.engine();
            let other = ask(engine, external("v", "ann", "ok"), true, "", "A").await.unwrap();
            let ann = other.account.id.to_string();
            let device = ask(engine, anonymous("A"), false, &ann, "A").await.unwrap();
            ask(engine, external("v", "bob", "ok"), true, "", "A").await.unwrap();
            assert_eq!(lives(engine, &device).await, device_lives, "{change:?}");
            assert_eq!(lives(engine, &other).await, other_lives, "{change:?}");
        }
    });
}

#[test]
fn braincloud_4_3_at_the_cap_the_oldest_device_gives_way() {
    block_on(async {
        let policy = Policy { identities_per_account: 3, ..Policy::braincloud() };
        let world = external_world(policy).await;
        for device in ["A", "B", "C"] {
            ask(world.engine(), external("v", "ann", "ok"), true, "", device).await.unwrap();
        }
        assert_eq!(owner(&world, "A").await, None);
        assert!(owner(&world, "B").await.is_some() && owner(&world, "C").await.is_some());
    });
}

#[test]
fn braincloud_4_3_a_login_without_a_device_links_none_and_a_bad_one_is_told() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let login = |device: &str| {
            Login::new(external("v", "ann", "ok")).with_device_link(device.to_owned())
        };
        let player = world.engine().login(&context(), login("")).await.unwrap();
        assert_eq!(player.account.identities.len(), 1);
        let short =
            Refusal::Invalid { field: Field::DeviceLink, rule: Rule::Bytes { min: 10, max: 128 } };
        assert_eq!(refusal(world.engine().login(&context(), login("short")).await), short);
        let world = external_world(Policy::recommended()).await;
        let player = world.engine().login(&context(), login("device-of-A")).await.unwrap();
        assert_eq!(player.account.identities.len(), 1, "only where the policy says so");
    });
}

#[test]
fn braincloud_4_3_a_failed_login_changes_nothing() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let ann = ask(world.engine(), external("v", "ann", "ok"), true, "", "A").await.unwrap();
        let bob = ask(world.engine(), external("v", "bob", "ok"), true, "", "B").await.unwrap();
        let before = (kept(&world, ann.account.id).await, kept(&world, bob.account.id).await);
        let ann_is = ann.account.id.to_string();
        for (credential, expected) in [
            (external("v", "bob", "bad"), ""),
            (external("v", "bob", "ok"), ann_is.as_str()),
            (external("v", "nobody", "ok"), ann_is.as_str()),
            (anonymous("A"), ""),
        ] {
            assert!(ask(world.engine(), credential, true, expected, "A").await.is_err());
        }
        let after = (kept(&world, ann.account.id).await, kept(&world, bob.account.id).await);
        assert_eq!(after, before);
    });
}

#[test]
fn braincloud_4_3_a_login_is_counted_and_opens_a_session_in_place_of_the_oldest() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let first = ask(world.engine(), external("v", "ann", "ok"), true, "", "A").await.unwrap();
        let second = ask(world.engine(), external("v", "ann", "ok"), true, "", "B").await.unwrap();
        assert_eq!((first.login_count, second.login_count), (1, 2));
        let kept = activity(&world, first.account.id).await;
        let sessions: Vec<_> = kept.sessions.iter().map(|session| session.id).collect();
        assert_eq!(sessions, [second.session.id]);
        assert!(!lives(world.engine(), &first).await && lives(world.engine(), &second).await);
    });
}

#[test]
fn braincloud_4_3_a_device_that_many_logins_take_at_once_is_of_one_of_them() {
    let world = block_on(external_world(Policy::braincloud()));
    let players: Vec<_> = (0..8).map(|number| format!("player-{number}")).collect();
    let got: Vec<_> = std::thread::scope(|scope| {
        let login = |name: &str| {
            block_on(ask(world.engine(), external("v", name, "ok"), true, "", "shared"))
        };
        let calls: Vec<_> = players.iter().map(|name| scope.spawn(move || login(name))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let mut owners = 0;
    for player in &got {
        let Ok(player) = player else {
            assert!(matches!(player, Err(Refusal::TryAgainLater { .. })));
            continue;
        };
        let account = block_on(kept(&world, player.account.id)).account;
        let devices = account.identities_of(&ProviderId::DEVICE).count();
        assert_eq!(account.identities.len(), 1 + devices, "the login's own identity stays");
        owners += devices;
    }
    assert_eq!(owners, 1);
    assert!(block_on(owner(&world, "shared")).is_some());
}

#[test]
fn gamebase_x31_a_device_and_a_login_of_one_account_that_its_date_withdrew_are_both_free() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let engine = world.engine();
        let ann = ask(engine, external("v", "ann", "ok"), true, "", "A").await.unwrap();
        let proof = who(engine, &ann).await;
        engine.request_withdrawal(&context(), &proof).await.unwrap();
        world.clock().advance(engine.policy().withdrawal_grace);
        let new = ask(engine, external("v", "ann", "ok"), true, "", "A").await.unwrap();
        assert!(new.created && new.account.id != ann.account.id);
        assert_eq!(owner(&world, "A").await, Some(new.account.id));
        assert_eq!(standing(&kept(&world, ann.account.id).await.account), Standing::Withdrawn);
        let told = events(&world, ann.account.id).await;
        let withdrawn = |event: &&EventKind| matches!(event, EventKind::Withdrawn { .. });
        assert_eq!(told.iter().filter(withdrawn).count(), 1, "it is written once");
    });
}
