//! Where the secrets are, and where they are not.

use std::sync::Arc;

use authcore::transfer::Renewal;
use authcore::{Algorithm, MasterKey, Refusal};
use authcore_testkit::{Builder, Harness};

use super::{Issued, NEW, OLD, carry, history, id_only, issued_to, policy, request, rules, text};
use crate::domain::{block_on, context, refusal, who};
use crate::store;

#[test]
fn gamebase_x22_only_a_salted_hash_of_the_password_is_kept() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        let kept = issued.kept().await.records.transfer.unwrap();
        let password = text(issued.info.password.as_ref());
        assert!(kept.password_hash.unwrap().starts_with("$argon2id$"));
        let json = serde_json::to_string(&issued.kept().await.records).unwrap();
        assert!(!json.contains(password));
    });
}

#[test]
fn an_id_that_is_the_only_secret_is_kept_as_a_digest_only() {
    block_on(async {
        let issued = Issued::under(id_only()).await;
        let json = serde_json::to_string(&issued.kept().await.records).unwrap();
        assert!(!json.contains(text(issued.info.id.as_ref())));
        assert!(issued.right().await.is_ok());
    });
}

#[test]
fn secrets_are_in_no_debug_output_and_no_event() {
    block_on(async {
        let issued = Issued::under(rules()).await;
        issued.block().await;
        let blocked = refusal(issued.right().await);
        let account = issued.kept().await;
        let hash = account.records.transfer.as_ref().unwrap().password_hash.clone().unwrap();
        let events = history(&issued.world, issued.id()).await;
        let seen = format!(
            "{:?} {:?} {:?} {account:?} {events:?} {blocked:?} {blocked}",
            issued.info,
            request(NEW, &issued.info),
            issued.engine(),
        );
        let (id, password) = (text(issued.info.id.as_ref()), text(issued.info.password.as_ref()));
        for secret in [id, password, &*hash, OLD, NEW] {
            assert!(!seen.contains(secret), "{secret}");
        }
    });
}

/// The key of the harness that was the present one when the transfer account was issued.
fn former(builder: Builder) -> Builder {
    builder.previous_signing_key(MasterKey::new(FORMER).unwrap(), Algorithm::Hs256)
}

const FORMER: &[u8] = b"a former signing key of more than thirty-two bytes";

#[test]
fn a_transfer_account_survives_a_change_of_the_signing_key_and_its_id_stays_taken() {
    block_on(async {
        let store = store();
        let present = |builder: Builder| builder.signing_key(MasterKey::new(FORMER).unwrap());
        let before = Harness::seeded(0, Arc::clone(&store), policy(rules()), present).await;
        let (player, info) = issued_to(before.engine(), OLD).await;

        let after = Harness::seeded(1, store, policy(rules()), former).await;
        let (other, _) = issued_to(after.engine(), "guest-key-of-somebody-else").await;
        let caller = who(after.engine(), &other).await;
        let same_id = Renewal::ManualIdAndPassword {
            id: info.id.clone().unwrap(),
            password: "314159265358".into(),
        };
        let taken = after.engine().renew_transfer_account(&context(), &caller, &same_id).await;
        assert_eq!(refusal(taken), Refusal::TransferExists);

        let carried = carry(after.engine(), NEW, &info).await.unwrap();
        assert_eq!(carried.account.id, player.account.id);
    });
}
