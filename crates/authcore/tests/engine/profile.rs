use authcore::account::ProfileUpdate;
use authcore::{FindAccounts, Login, Policy, Refusal};
use authcore_testkit::Harness;

use crate::{block_on, context, device, log_in, refusal, who};

const DEVICE: &str = "0123456789";

#[test]
fn nakama_g2_j21_j22_a_profile_is_changed_as_asked() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        let nothing =
            world.engine().update_profile(&context(), &caller, ProfileUpdate::default()).await;
        assert_eq!(refusal(nothing), Refusal::NothingToChange);
        let mut update = ProfileUpdate::default();
        update.display_name = Some("Ann".into());
        update.lang_tag = Some("ko".into());
        world.engine().update_profile(&context(), &caller, update.clone()).await.unwrap();
        let account = world.engine().account(&context(), &caller).await.unwrap();
        assert_eq!((&*account.profile.display_name, &*account.profile.lang_tag), ("Ann", "ko"));
        update.lang_tag = Some(String::new());
        let empty = world.engine().update_profile(&context(), &caller, update).await;
        assert!(matches!(refusal(empty), Refusal::Invalid { .. }));
        let name = player.account.username.unwrap().shown;
        world.engine().set_username(&context(), &caller, &*name).await.unwrap();
    });
}

#[test]
fn a_username_moves_and_is_free_again() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let login = Login::new(device(DEVICE)).with_username("alice");
        let alice = world.engine().login(&context(), login).await.unwrap();
        let bob = log_in(world.engine(), device("another-device")).await;
        let (alice, bob) = (who(world.engine(), &alice).await, who(world.engine(), &bob).await);
        let taken = world.engine().set_username(&context(), &bob, "alice").await;
        assert_eq!(refusal(taken), Refusal::UsernameTaken);
        world.engine().set_username(&context(), &alice, "ann").await.unwrap();
        world.engine().set_username(&context(), &bob, "alice").await.unwrap();
    });
}

#[test]
fn nakama_s9_a_deleted_account_is_gone_and_its_login_free() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        world.engine().delete_account(&context(), &caller).await.unwrap();
        world.engine().delete_account(&context(), &caller).await.unwrap();
        assert!(world.engine().verify(player.tokens.access.reveal()).await.is_err());
        let refresh = authcore::Refresh::new(player.tokens.refresh.reveal());
        let refused = refusal(world.engine().refresh(&context(), refresh).await);
        assert_eq!(refused, Refusal::RefreshTokenInvalid);
        let again = log_in(world.engine(), device(DEVICE)).await;
        assert!(again.created && again.account.id != player.account.id);
    });
}

#[test]
fn nakama_j23_j24_players_are_found_by_id_and_name_once() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let login = Login::new(device(DEVICE)).with_username("alice");
        let alice = world.engine().login(&context(), login).await.unwrap();
        let bob = log_in(world.engine(), device("another-device")).await;
        let caller = who(world.engine(), &bob).await;
        let mut find = FindAccounts::default();
        assert!(
            world
                .engine()
                .find_accounts(&context(), &caller, find.clone())
                .await
                .unwrap()
                .is_empty()
        );
        find.ids = vec![
            alice.account.id,
            bob.account.id,
            authcore::account::AccountId::from_bytes([9; 16]),
        ];
        find.usernames = vec!["alice".into(), "nobody".into()];
        let found = world.engine().find_accounts(&context(), &caller, find.clone()).await.unwrap();
        assert_eq!(found.len(), 2);
        find.usernames = vec!["x".into(); 100];
        assert!(world.engine().find_accounts(&context(), &caller, find).await.is_err());
    });
}
