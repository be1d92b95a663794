//! What providers tell (gamebase 3.19).

use authcore::account::{IdentityKey, ProviderId};
use authcore::lifecycle::WithdrawalCause;
use authcore::{Link, Policy, Refusal};

use super::*;

async fn player_with_apple(world: &Harness, others: bool) -> (LoggedIn, IdentityKey) {
    let player = log_in(world.engine(), at("apple", "ann")).await;
    if others {
        let who = who(world.engine(), &player).await;
        world.engine().link(&context(), &who, Link::new(at("google", "ann"))).await.unwrap();
    }
    let key = player.account.identities[0].key.clone();
    (player, key)
}

#[test]
fn gamebase_x40_consent_revoked_ends_all_tokens_and_a_login_opens_the_same_account() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, key) = player_with_apple(&world, true).await;
        let by_google = log_in(world.engine(), at("google", "ann")).await;
        let id = world.engine().provider_consent_revoked(&operator(), &key).await.unwrap();
        assert_eq!(id, player.account.id);
        assert!(!is_alive(&world, &player).await && !is_alive(&world, &by_google).await);
        assert_eq!(valid(&world, id).await, 'Y');
        assert_eq!(log_in(world.engine(), at("apple", "ann")).await.account.id, id);
    });
}

#[test]
fn gamebase_x23_an_account_deleted_at_its_provider_is_withdrawn_whole_by_default() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, key) = player_with_apple(&world, true).await;
        let id = world.engine().provider_account_deleted(&operator(), &key).await.unwrap();
        assert_eq!(valid(&world, id).await, 'D');
        let cause = WithdrawalCause::Provider;
        assert_eq!(events(&world, id).await.last(), Some(&EventKind::Withdrawn { cause }));
        assert!(!is_alive(&world, &player).await);
        let unknown = world.engine().provider_account_deleted(&operator(), &key).await;
        let apple = ProviderId::new("apple").unwrap();
        assert_eq!(refusal(unknown), Refusal::IdentityUnknown(apple));
    });
}

#[test]
fn gamebase_x23_under_the_policy_it_only_loses_that_login_where_there_are_others() {
    block_on(async {
        let policy = Policy { provider_delete_unlinks: true, ..Policy::gamebase() };
        let world = world(policy).await;
        let (player, key) = player_with_apple(&world, true).await;
        let by_google = log_in(world.engine(), at("google", "ann")).await;
        world.engine().provider_account_deleted(&operator(), &key).await.unwrap();
        let id = player.account.id;
        assert_eq!(valid(&world, id).await, 'Y');
        assert_eq!(owner(&world, &key).await, None);
        assert!(!is_alive(&world, &player).await, "opened by what is gone");
        assert!(is_alive(&world, &by_google).await);
        let google = &by_google.account.identities[1].key;
        world.engine().provider_account_deleted(&operator(), google).await.unwrap();
        assert_eq!(valid(&world, id).await, 'D', "it was the only one");
    });
}
