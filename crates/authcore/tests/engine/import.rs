use authcore::account::{AccountId, ProviderId};
use authcore::{ImportedAccount, ImportedIdentity, Operator, Policy, Refusal};
use authcore_testkit::Harness;

use crate::{block_on, by_name, custom, log_in, refusal};

#[test]
fn an_imported_account_is_the_player_of_all_its_logins() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("migration");
        let mut imported = ImportedAccount::default();
        imported.id = Some(AccountId::from_bytes([3; 16]));
        imported.username = Some("alice".into());
        imported.identities = vec![ImportedIdentity::new(ProviderId::CUSTOM, "custom-id")];
        let account = world.engine().import_account(&operator, imported.clone()).await.unwrap();
        assert_eq!(account.id, AccountId::from_bytes([3; 16]));
        let player = log_in(world.engine(), custom("custom-id")).await;
        assert!(!player.created && player.account.id == account.id);
        // Once more is refused, and changes nothing.
        let again = world.engine().import_account(&operator, imported.clone()).await;
        assert_eq!(refusal(again), Refusal::AccountExists);
        imported.id = None;
        let again = world.engine().import_account(&operator, imported.clone()).await;
        assert_eq!(
            refusal(again),
            Refusal::IdentityTaken { provider: ProviderId::CUSTOM, ticket: None }
        );
        imported.identities.clear();
        let again = world.engine().import_account(&operator, imported).await;
        assert_eq!(refusal(again), Refusal::UsernameTaken);
    });
}

#[test]
fn an_import_keeps_to_the_rules_of_accounts_made_here() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("migration");
        let of = |identities: Vec<ImportedIdentity>| {
            let mut imported = ImportedAccount::default();
            imported.identities = identities;
            imported
        };
        let mut metadata = of(vec![ImportedIdentity::new(ProviderId::DEVICE, "0123456789")]);
        metadata.profile.metadata = "no json".into();
        let mut long = metadata.clone();
        long.profile.metadata = "{}".into();
        long.profile.display_name = "x".repeat(256).into();
        for imported in [
            of(vec![ImportedIdentity::new(ProviderId::EMAIL, "Me@Example.com")]),
            of(vec![ImportedIdentity::new(ProviderId::DEVICE, "too short")]),
            metadata,
            long,
        ] {
            let refused = refusal(world.engine().import_account(&operator, imported).await);
            assert!(matches!(refused, Refusal::Invalid { .. }), "{refused:?}");
        }
        let two = ["first-id", "second-id"].map(|id| ImportedIdentity::new(ProviderId::CUSTOM, id));
        let refused = refusal(world.engine().import_account(&operator, of(two.into())).await);
        assert_eq!(refused, Refusal::AlreadyLinked(ProviderId::CUSTOM));
        let mut first = of(vec![ImportedIdentity::new(ProviderId::DEVICE, "first-device")]);
        first.id = Some(AccountId::from_bytes([3; 16]));
        world.engine().import_account(&operator, first.clone()).await.unwrap();
        first.identities = vec![ImportedIdentity::new(ProviderId::DEVICE, "second-device")];
        let refused = refusal(world.engine().import_account(&operator, first).await);
        assert_eq!(refused, Refusal::AccountExists);
    });
}

#[test]
fn what_makes_no_sense_is_not_imported() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("migration");
        let mut hash = ImportedAccount::default();
        hash.username = Some("alice".into());
        hash.password_hash = Some("plain text".into());
        let mut empty = ImportedAccount::default();
        empty.email = Some(String::new());
        for imported in [hash, empty, ImportedAccount::default()] {
            let refused = world.engine().import_account(&operator, imported).await;
            assert!(matches!(refusal(refused), Refusal::Invalid { .. }));
        }
        let nobody = crate::try_log_in(world.engine(), by_name("alice", "password")).await;
        assert_eq!(refusal(nobody), Refusal::AccountNotFound);
    });
}
