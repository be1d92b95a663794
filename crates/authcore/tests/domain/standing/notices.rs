//! What providers tell (gamebase 3.19).

use authcore::account::{IdentityKey, ProviderId};
use authcore::lifecycle::WithdrawalCause;
use authcore::store::SingleUseKey;
use authcore::verifier::{
    ProviderEvent, ProviderNotice, VerifiedIdentity, Verifier, VerifyContext, VerifyError,
};
use authcore::{Link, Policy, Refusal, Secret};
use chrono::TimeDelta;

use super::*;
use crate::domain::world_with;

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

/// A provider that tells of its accounts: `what number subject`, good once for each number. Credentials are subjects.
#[derive(Debug)]
struct Teller(ProviderId);

#[async_trait::async_trait]
impl Verifier for Teller {
    fn provider(&self) -> &ProviderId {
        &self.0
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        Ok(context.identity(credential.reveal()))
    }

    async fn read_notice(
        &self,
        payload: &Secret,
        context: &VerifyContext,
    ) -> Result<Option<ProviderNotice>, VerifyError> {
        let [what, number, subject] = payload.reveal().split(' ').collect::<Vec<_>>()[..] else {
            return Err(VerifyError::Rejected("not a notice"));
        };
        let event = match what {
            "revoked" => ProviderEvent::ConsentRevoked,
            "deleted" => ProviderEvent::AccountDeleted,
            "down" => return Err(VerifyError::unavailable("no keys")),
            _ => return Ok(None),
        };
        let once = SingleUseKey::new([number.parse().unwrap(); 32]);
        Ok(Some(context.notice(subject, event, (once, context.now() + TimeDelta::days(1)))))
    }
}

fn teller() -> ProviderId {
    ProviderId::new("teller").unwrap()
}

async fn telling() -> Harness {
    world_with(Policy::gamebase(), |builder| builder.verifier(Teller(teller()))).await
}

async fn tell(world: &Harness, notice: &str) -> Result<Option<AccountId>, authcore::Error> {
    world.engine().provider_notice(&teller(), &notice.into()).await
}

#[test]
fn gamebase_3_19_a_notice_does_what_it_tells_once() {
    block_on(async {
        let world = telling().await;
        let ann = log_in(world.engine(), at("teller", "ann")).await;
        let id = ann.account.id;
        assert_eq!(tell(&world, "revoked 1 ann").await.unwrap(), Some(id));
        assert!(!is_alive(&world, &ann).await);
        // The same notice, late or from somebody who kept it, ends no session that was opened since.
        let back = log_in(world.engine(), at("teller", "ann")).await;
        assert_eq!(tell(&world, "revoked 1 ann").await.unwrap(), None);
        assert!(is_alive(&world, &back).await);
        assert_eq!(tell(&world, "revoked 2 ann").await.unwrap(), Some(id));
        assert!(!is_alive(&world, &back).await);
    });
}

#[test]
fn gamebase_3_19_a_deletion_that_is_told_again_spares_who_came_anew() {
    block_on(async {
        let world = telling().await;
        let ann = log_in(world.engine(), at("teller", "ann")).await;
        assert_eq!(tell(&world, "deleted 1 ann").await.unwrap(), Some(ann.account.id));
        assert_eq!(valid(&world, ann.account.id).await, 'D');
        assert_eq!(tell(&world, "deleted 1 ann").await.unwrap(), None, "nobody is there");
        let anew = log_in(world.engine(), at("teller", "ann")).await;
        assert!(anew.created);
        assert_eq!(tell(&world, "deleted 1 ann").await.unwrap(), None);
        assert!(is_alive(&world, &anew).await);
    });
}

#[test]
fn gamebase_3_19_a_notice_of_nobody_is_used_up_all_the_same() {
    block_on(async {
        let world = telling().await;
        assert_eq!(tell(&world, "revoked 1 ann").await.unwrap(), None);
        let ann = log_in(world.engine(), at("teller", "ann")).await;
        assert_eq!(tell(&world, "revoked 1 ann").await.unwrap(), None);
        assert!(is_alive(&world, &ann).await, "it was told of who had the login before");
    });
}

#[test]
fn gamebase_3_19_what_is_no_notice_changes_nothing() {
    block_on(async {
        let world = telling().await;
        let ann = log_in(world.engine(), at("teller", "ann")).await;
        assert_eq!(tell(&world, "email-disabled 1 ann").await.unwrap(), None);
        assert_eq!(tell(&world, "revoked 1 nobody").await.unwrap(), None);
        let rejected = |provider| Refusal::CredentialRejected { provider, extra: None };
        assert_eq!(refusal(tell(&world, "revoked").await), rejected(teller()));
        let down = refusal(tell(&world, "down 1 ann").await);
        assert_eq!(down.code(), "provider_unavailable");
        // Those that send none, and those that nobody knows.
        let engine = world.engine();
        let google = ProviderId::new("google").unwrap();
        let sent = engine.provider_notice(&google, &"revoked 1 ann".into()).await;
        assert_eq!(refusal(sent), rejected(google));
        let unknown = ProviderId::new("unknown").unwrap();
        let sent = engine.provider_notice(&unknown, &"revoked 1 ann".into()).await;
        assert_eq!(refusal(sent), Refusal::ProviderNotConfigured(unknown));
        assert!(is_alive(&world, &ann).await);
    });
}
