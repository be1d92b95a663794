//! What stays of a player who was withdrawn (security 105, 107).

use authcore::account::{Account, ProfileUpdate, Records};
use authcore::lifecycle::{BanEnd, Expiry, WithdrawalCause};
use authcore::session::Activity;
use authcore::store::TransferKey;
use authcore::transfer::{IssuedBy, TransferAccount, TransferState};
use authcore::{BanRequest, Credential, Link, Login, Policy, UnbanRequest};

use super::*;

/// What the player said of themselves, and what others wrote about them.
const PERSONAL: [&str; 8] = [
    "ann-at-facebook",
    "ann@example.com",
    "Annabel",
    "annie",
    "TRANSFER-1",
    "ann-s-phone",
    "she-said-so",
    "a word about ann",
];

/// A player with all that an account can hold.
async fn full(world: &Harness) -> LoggedIn {
    let engine = world.engine();
    let mut context = context();
    context.device_id = Some("ann-s-phone".into());
    let mut login = Login::new(at("facebook", "ann-at-facebook")).with_username("annie");
    login.vars.insert("note".into(), "she-said-so".into());
    let player = engine.login(&context, login.clone()).await.unwrap();
    let id = player.account.id;
    let ban = BanRequest::permanent().with_message("a word about ann").for_reason("annie did it");
    engine.ban(&operator(), id, ban).await.unwrap();
    let unban = UnbanRequest::new().for_reason("a word about ann");
    engine.unban(&operator(), id, unban).await.unwrap();
    let player = engine.login(&context, login).await.unwrap();
    let who = who(engine, &player).await;
    let email = Credential::Email {
        email: "ann@example.com".into(),
        password: "a password of hers".into(),
    };
    engine.link(&context, &who, Link::new(email)).await.unwrap();
    let mut update = ProfileUpdate::default();
    update.display_name = Some("Annabel".into());
    engine.update_profile(&context, &who, update).await.unwrap();
    craft(world, id, |account| {
        account.records.transfer = Some(Box::new(TransferAccount {
            key: TransferKey::new([7; 32]),
            id: Some("TRANSFER-1".into()),
            password_hash: Some("hash".into()),
            issued_by: IssuedBy::Auto,
            device: Some("ann-s-phone".into()),
            issued_at: account.created_at,
            expiry: Expiry::Never,
            state: TransferState::Issued { failures: 0 },
        }));
    })
    .await;
    player
}

async fn exported(world: &Harness, id: AccountId) -> String {
    world.engine().export_account(&operator(), id).await.unwrap().to_string()
}

async fn holds_nothing_personal(world: &Harness, before: &Account, at: DateTime<Utc>) {
    let id = before.id;
    let text = exported(world, id).await;
    for value in PERSONAL {
        assert!(!text.contains(value), "{value} in {text}");
    }
    let snapshot = kept(world, id).await;
    assert_eq!(snapshot.activity, Activity::default());
    let Account { records, withdrawal, epoch, next_ordinal, .. } = snapshot.account.clone();
    assert!(epoch > before.epoch);
    let mut tombstone = Account::new(id, before.created_at);
    let Records { mut past_bans, transfer, .. } = records;
    let empty = Box::<str>::default();
    for past in &past_bans {
        assert_eq!((&past.ban.message, &past.ban.reason), (&empty, &empty));
        assert!(matches!(&past.end, BanEnd::Released { reason, .. } if reason.is_empty()));
    }
    let transfer = transfer.unwrap();
    assert_eq!(transfer.state, TransferState::Deleted);
    assert_eq!((&transfer.id, &transfer.password_hash, &transfer.device), (&None, &None, &None));
    tombstone.records.past_bans.append(&mut past_bans);
    tombstone.records.transfer = Some(transfer);
    (tombstone.withdrawal, tombstone.epoch) = (withdrawal, epoch);
    (tombstone.next_ordinal, tombstone.updated_at) = (next_ordinal, at);
    assert_eq!(snapshot.account, tombstone, "and there is nothing else");
}

#[test]
fn security_105_a_scan_of_the_tombstone_finds_none_of_the_persons_values() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = full(&world).await;
        let before = account(&world, player.account.id).await;
        let text = exported(&world, before.id).await;
        for value in PERSONAL {
            assert!(text.contains(value), "{value} was there");
        }
        let who = who(world.engine(), &player).await;
        world.engine().withdraw(&context(), &who).await.unwrap();
        holds_nothing_personal(&world, &before, now(&world)).await;
        for identity in &before.identities {
            assert_eq!(owner(&world, &identity.key).await, None);
        }
        let again = Login::new(at("google", "somebody")).with_username("annie");
        let other = world.engine().login(&context(), again).await.unwrap();
        assert!(other.account.username.is_some(), "the name is free");
    });
}

#[test]
fn security_105_nor_when_time_or_an_operator_or_the_next_login_withdraws() {
    block_on(async {
        for way in 0..3 {
            let world = world(Policy::gamebase()).await;
            let player = full(&world).await;
            let id = player.account.id;
            let proof = who(world.engine(), &player).await;
            let asked = world.engine().request_withdrawal(&context(), &proof).await.unwrap();
            let due = asked.due_at().unwrap();
            match way {
                0 => {
                    let cause = WithdrawalCause::Operator;
                    world.engine().withdraw_account(&operator(), id, cause).await.unwrap();
                    holds_nothing_personal(&world, &asked, now(&world)).await;
                }
                1 => {
                    world.clock().set(due);
                    world.engine().sweep(10).await.unwrap();
                    holds_nothing_personal(&world, &asked, due).await;
                }
                _ => {
                    world.clock().set(due + MOMENT);
                    let login = at("facebook", "ann-at-facebook");
                    let newcomer = log_in(world.engine(), login).await;
                    assert_ne!(newcomer.account.id, id);
                    holds_nothing_personal(&world, &asked, due).await;
                }
            }
        }
    });
}

#[test]
fn security_107_the_identity_may_sign_up_again_and_starts_anew() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = full(&world).await;
        let who = who(world.engine(), &player).await;
        world.engine().withdraw(&context(), &who).await.unwrap();
        let newcomer = log_in(world.engine(), at("facebook", "ann-at-facebook")).await;
        assert!(newcomer.created);
        let text = exported(&world, newcomer.account.id).await;
        for value in PERSONAL.into_iter().filter(|value| *value != "ann-at-facebook") {
            assert!(!text.contains(value), "{value}");
        }
    });
}

#[test]
fn security_104_a_player_exports_what_is_held_on_them_and_no_secret() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = full(&world).await;
        let who = who(world.engine(), &player).await;
        let text = world.engine().export(&who).await.unwrap().to_string();
        for value in PERSONAL {
            assert!(text.contains(value) || value == "a word about ann", "{value} in {text}");
        }
        assert!(!text.contains("annie did it"), "operators' reasons are not shown");
        let hash = account(&world, player.account.id).await.password.unwrap().hash;
        assert!(!text.contains(&*hash));
        world.engine().withdraw(&context(), &who).await.unwrap();
        assert!(world.engine().export(&who).await.is_err());
    });
}

#[test]
fn a_login_beside_a_withdrawal_leaves_nothing_of_itself() {
    block_on(async {
        for _ in 0..20 {
            let world = world(Policy::gamebase()).await;
            let player = log_in(world.engine(), at("facebook", "ann")).await;
            let proof = who(world.engine(), &player).await;
            let beside = std::thread::scope(|scope| {
                let login = scope.spawn(|| block_on(log_in(world.engine(), at("facebook", "ann"))));
                let gone = scope.spawn(|| {
                    block_on(world.engine().withdraw(&context(), &proof)).unwrap();
                });
                gone.join().unwrap();
                login.join().unwrap()
            });
            assert_eq!(kept(&world, player.account.id).await.activity, Activity::default());
            assert_eq!(is_alive(&world, &beside).await, beside.account.id != player.account.id);
        }
    });
}

#[test]
fn players_do_not_find_who_has_left() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (gone, due) = pending(&world, "ann").await;
        let mut find = authcore::FindAccounts::default();
        find.ids.push(gone.account.id);
        for (date, count) in [(due - MOMENT, 1), (due, 0)] {
            world.clock().set(date);
            let player = log_in(world.engine(), at("facebook", "bob")).await;
            let proof = who(world.engine(), &player).await;
            let found = world.engine().find_accounts(&context(), &proof, find.clone()).await;
            assert_eq!(found.unwrap().len(), count);
        }
    });
}
