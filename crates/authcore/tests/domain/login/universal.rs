//! Universal ids (braincloud 2).

use authcore::account::ProviderId;
use authcore::{Credential, Link, Login, Policy, Refusal, Unlink};

use super::{context, external_world, refusal, universal, who};
use crate::domain::{block_on, log_in, operator, try_log_in};

fn email(password: &str) -> Credential {
    Credential::Email { email: "ann@example.com".into(), password: password.into() }
}

#[test]
fn braincloud_2_a_universal_id_is_kept_in_lower_case() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let player = log_in(world.engine(), universal("Ann B", "password")).await;
        assert_eq!(player.account.identities[0].shown(), "ann b");
        assert_eq!(player.provider, Some(ProviderId::UNIVERSAL));
    });
}

#[test]
fn braincloud_4_step_5_a_wrong_password_wins_whatever_create_says() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        log_in(world.engine(), universal("ann", "password")).await;
        for create in [false, true] {
            let mut login = Login::new(universal("ANN", "wrong-password"));
            login.create = create;
            let got = world.engine().login(&context(), login).await;
            assert_eq!(refusal(got), Refusal::WrongPassword);
        }
        let unknown = Login::new(universal("bob", "password")).without_creating();
        let got = world.engine().login(&context(), unknown).await;
        assert_eq!(refusal(got), Refusal::AccountNotFound);
    });
}

#[test]
fn braincloud_2_a_universal_id_and_an_email_address_share_the_password() {
    block_on(async {
        let world = external_world(Policy::braincloud()).await;
        let engine = world.engine();
        let player = log_in(engine, universal("ann", "password")).await;
        let who = who(engine, &player).await;
        engine.link(&context(), &who, Link::new(email("a new password"))).await.unwrap();
        for credential in [universal("ann", "a new password"), email("a new password")] {
            assert_eq!(log_in(engine, credential).await.account.id, player.account.id);
        }
        let old = try_log_in(engine, universal("ann", "password")).await;
        assert_eq!(refusal(old), Refusal::WrongPassword);
    });
}

#[test]
fn braincloud_2_the_password_goes_with_the_last_login_that_takes_it() {
    block_on(async {
        let policy = Policy {
            sessions_per_account: 10,
            anonymous_needs_confirmation: false,
            ..Policy::braincloud()
        };
        let world = external_world(policy).await;
        let engine = world.engine();
        let player = log_in(engine, universal("ann", "password")).await;
        let who = who(engine, &player).await;
        engine.link(&context(), &who, Link::new(email("password"))).await.unwrap();
        let custom = Link::new(Credential::Custom("custom-id".into()));
        engine.link(&context(), &who, custom).await.unwrap();
        let unlink = |kind| Unlink::any(kind);
        let left = engine.unlink(&context(), &who, unlink(ProviderId::EMAIL)).await.unwrap();
        assert!(left.password.is_some());
        assert!(try_log_in(engine, universal("ann", "password")).await.is_ok());
        let exactly = Unlink::exactly(ProviderId::UNIVERSAL, "ANN");
        let left = engine.unlink(&context(), &who, exactly).await.unwrap();
        assert!(left.password.is_none());
        let last = engine.unlink(&context(), &who, unlink(ProviderId::CUSTOM)).await;
        assert_eq!(refusal(last), Refusal::LastIdentity(ProviderId::CUSTOM));
    });
}

#[test]
fn braincloud_2_an_imported_universal_id_is_one_in_any_case_too() {
    block_on(async {
        use authcore::{ImportedAccount, ImportedIdentity};

        let world = external_world(Policy::braincloud()).await;
        let with = |id: &str| {
            let mut imported = ImportedAccount::default();
            imported.identities = vec![ImportedIdentity::new(ProviderId::UNIVERSAL, id)];
            imported
        };
        let account = world.engine().import_account(&operator(), with("Ann")).await.unwrap();
        assert_eq!(account.identities[0].key.subject(), "ann");
        let twice = world.engine().import_account(&operator(), with("ANN")).await;
        assert!(matches!(refusal(twice), Refusal::IdentityTaken { .. }));
        let bad = world.engine().import_account(&operator(), with("a\tb")).await;
        assert!(matches!(refusal(bad), Refusal::Invalid { .. }));
    });
}
