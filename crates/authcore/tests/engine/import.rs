use authcore::account::{AccountId, ProviderId};
use authcore::{ImportedAccount, ImportedIdentity, Operator, Policy, Refusal};
use authcore_testkit::Harness;

use crate::{block_on, by_name, custom, log_in, refusal};

#[test]
fn an_imported_account_is_the_player_of_all_its_logins() {
    block_on(async {
        let world = Harness::new(Policy::nakama()).await;
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
        assert!(matches!(refusal(again), Refusal::Invalid { .. }));
        imported.id = None;
        let again = world.engine().import_account(&operator, imported.clone()).await;
        assert_eq!(refusal(again), Refusal::IdentityTaken(ProviderId::CUSTOM));
        imported.identities.clear();
        let again = world.engine().import_account(&operator, imported).await;
        assert_eq!(refusal(again), Refusal::UsernameTaken);
    });
}

#[test]
fn what_makes_no_sense_is_not_imported() {
    block_on(async {
        let world = Harness::new(Policy::nakama()).await;
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
