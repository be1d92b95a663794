use std::sync::Arc;

use authcore::account::Folding;
use authcore::{Algorithm, Engine, MasterKey, OpenError, Policy, Refresh};
use authcore_store_memory::MemoryStore;
use authcore_testkit::{CheapHasher, Harness, ManualClock};

use crate::{block_on, context, device, log_in};

const KEY: &[u8] = b"a signing key that is known to all the world";
const OTHER_KEY: &[u8] = b"ANOTHER SIGNING KEY, THAT IS KNOWN AS WELL!!";

async fn engine(game: &str, key: &[u8], policy: Policy, algorithm: Algorithm) -> Engine {
    Engine::builder(game, MemoryStore::new())
        .signing_key(MasterKey::new(key).unwrap())
        .clock(ManualClock::default())
        .hasher(CheapHasher::new())
        .algorithm(algorithm)
        .policy(policy)
        .open()
        .await
        .unwrap()
}

#[test]
fn no_token_passes_for_another_kind_game_or_key() {
    block_on(async {
        for policy in [Policy::recommended(), Policy::nakama()] {
            for algorithm in [Algorithm::Hs256, Algorithm::Ed25519] {
                let here = engine("chess", KEY, policy.clone(), algorithm).await;
                let player = log_in(&here, device("0123456789")).await;
                let (access, refresh) =
                    (player.tokens.access.reveal(), player.tokens.refresh.reveal());
                assert!(here.verify(access).await.is_ok());
                assert!(here.verify(refresh).await.is_err(), "a refresh token opens nothing");
                let wrong = here.refresh(&context(), Refresh::new(access)).await;
                assert!(wrong.is_err(), "an access token refreshes nothing");
                let strangers = [
                    engine("go", KEY, policy.clone(), algorithm).await,
                    engine("chess", OTHER_KEY, policy.clone(), algorithm).await,
                ];
                for stranger in strangers {
                    assert!(stranger.verify_stateless(access).is_err());
                    let refused = stranger.refresh(&context(), Refresh::new(refresh)).await;
                    assert!(refused.unwrap_err().refusal().is_some());
                }
            }
        }
    });
}

#[test]
fn security_50_a_former_key_still_verifies_after_rotation() {
    block_on(async {
        let store = MemoryStore::new();
        let open = |key: &[u8], previous: Option<&[u8]>| {
            let mut builder = Engine::builder("chess", store.clone())
                .signing_key(MasterKey::new(key).unwrap())
                .clock(ManualClock::default())
                .hasher(CheapHasher::new());
            if let Some(previous) = previous {
                builder = builder
                    .previous_signing_key(MasterKey::new(previous).unwrap(), Algorithm::Hs256);
            }
            builder.open()
        };
        let before = open(KEY, None).await.unwrap();
        let player = log_in(&before, device("0123456789")).await;
        let after = open(OTHER_KEY, Some(KEY)).await.unwrap();
        assert!(after.verify(player.tokens.access.reveal()).await.is_ok());
        let refresh = Refresh::new(player.tokens.refresh.reveal());
        let next = after.refresh(&context(), refresh).await.unwrap();
        let later = open(OTHER_KEY, None).await.unwrap();
        assert!(later.verify(next.tokens.access.reveal()).await.is_ok());
        assert!(later.verify(player.tokens.access.reveal()).await.is_err());
    });
}

#[test]
fn security_50_the_algorithm_can_be_changed_with_overlap() {
    block_on(async {
        let store = MemoryStore::new();
        let key = || MasterKey::new(KEY).unwrap();
        let builder = || {
            Engine::builder("chess", store.clone())
                .signing_key(key())
                .clock(ManualClock::default())
                .hasher(CheapHasher::new())
        };
        let before = builder().open().await.unwrap();
        let player = log_in(&before, device("0123456789")).await;
        let after = builder()
            .algorithm(Algorithm::Ed25519)
            .previous_signing_key(key(), Algorithm::Hs256)
            .open()
            .await
            .unwrap();
        assert!(after.verify(player.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn nakama_11_1_the_claims_have_nakamas_names_in_nakamas_order() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let mut login = authcore::Login::new(device("0123456789")).with_username("a~b? \u{1f600}");
        login.vars.insert("k".into(), "v".into());
        let player = world.engine().login(&context(), login).await.unwrap();
        let payload = payload(player.tokens.access.reveal());
        let expected = format!(
            r#"{{"tid":"{}","uid":"{}","usn":"a\u007eb\u003f \ud83d\ude00","vrs":{{"k":"v"}},"exp":{},"iat":{}}}"#,
            player.session.id,
            player.account.id,
            player.tokens.access_expires_at.timestamp(),
            player.session.authenticated_at.timestamp(),
        );
        assert_eq!(payload, expected);
    });
}

#[test]
fn security_55_registered_claims_carry_ids_only() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let login = authcore::Login::new(device("0123456789")).with_username("a name to be kept");
        let player = world.engine().login(&context(), login).await.unwrap();
        for token in [&player.tokens.access, &player.tokens.refresh] {
            let payload = payload(token.reveal());
            assert!(!payload.contains("name") && !payload.contains("0123456789"), "{payload}");
        }
    });
}

/// The middle part of a token, decoded as base64url.
fn payload(token: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = 0u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    for letter in token.split('.').nth(1).unwrap().bytes() {
        bits =
            bits << 6 | u32::try_from(LETTERS.iter().position(|l| *l == letter).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn only_ed25519_has_public_keys() {
    block_on(async {
        let hmac = engine("chess", KEY, Policy::recommended(), Algorithm::Hs256).await;
        assert_eq!(hmac.jwks(), r#"{"keys":[]}"#);
        let edwards = engine("chess", KEY, Policy::recommended(), Algorithm::Ed25519).await;
        let jwks = edwards.jwks();
        assert!(jwks.contains(r#""crv":"Ed25519""#) && !jwks.contains(r#""d":"#), "{jwks}");
    });
}

#[test]
fn a_store_belongs_to_one_game_and_one_folding() {
    block_on(async {
        let store = Arc::new(MemoryStore::new());
        let open = |game: &str, folding| {
            Engine::builder_on(game, Arc::clone(&store) as _)
                .signing_key(MasterKey::new(KEY).unwrap())
                .clock(ManualClock::default())
                .hasher(CheapHasher::new())
                .folding(folding)
                .open()
        };
        open("chess", Folding::Exact).await.unwrap();
        open("chess", Folding::Exact).await.unwrap();
        let other = open("go", Folding::Exact).await.unwrap_err();
        assert!(matches!(other, OpenError::OtherGame { found, .. } if &*found == "chess"));
        let other = open("chess", Folding::LookAlike).await.unwrap_err();
        assert!(matches!(other, OpenError::OtherFolding { found: 1, asked: 2 }));
    });
}

#[test]
fn secrets_are_in_no_debug_text() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let credential = crate::email("someone@example.com", "a sentinel password");
        let player = log_in(world.engine(), credential.clone()).await;
        let hash = player.account.password.clone().unwrap().hash;
        let texts = [
            format!("{player:?} {player:#?}"),
            format!("{credential:?}"),
            format!("{:?}", world.engine()),
            format!("{:?}", Refresh::new(player.tokens.refresh.reveal())),
        ];
        for text in texts {
            for secret in [
                "a sentinel password",
                &hash,
                player.tokens.access.reveal(),
                player.tokens.refresh.reveal(),
            ] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    });
}
