//! What operators mend (gamebase 3.12, 3.21).

use authcore::account::{IdentityKey, Ordinal, ProviderId};
use authcore::refusal::{Field, Rule};
use authcore::{BanRequest, Credential, Link, Policy, Refusal};

use super::*;

async fn moved(world: &Harness, player: &LoggedIn, to: AccountId) -> Refusal {
    let key = &player.account.identities[0].key;
    refusal(world.engine().move_identity(&operator(), key, to).await)
}

async fn two_logins(world: &Harness, subject: &str) -> LoggedIn {
    let player = log_in(world.engine(), at("facebook", subject)).await;
    let who = who(world.engine(), &player).await;
    world.engine().link(&context(), &who, Link::new(at("google", subject))).await.unwrap();
    player
}

#[test]
fn gamebase_3_21_an_identity_moves_to_a_guest_whose_guest_key_is_lost() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let donor = two_logins(&world, "ann").await;
        let by_google = log_in(world.engine(), at("google", "ann")).await;
        let receiver = log_in(world.engine(), guest(GUEST)).await;
        let (from, to) = (donor.account.id, receiver.account.id);
        let key = &donor.account.identities[0].key;
        let after = world.engine().move_identity(&operator(), key, to).await.unwrap();
        assert_eq!(after.identities.len(), 1);
        assert_eq!(after.identities[0].key, *key);
        assert_eq!(valid(&world, from).await, 'Y');
        assert!(!is_alive(&world, &donor).await, "opened by what moved");
        assert!(is_alive(&world, &by_google).await);
        assert!(!is_alive(&world, &receiver).await, "opened by the guest key");
        assert_eq!(log_in(world.engine(), at("facebook", "ann")).await.account.id, to);
        assert!(log_in(world.engine(), guest(GUEST)).await.created);
        assert!(events(&world, from).await.contains(&EventKind::IdentityMoved {
            ordinal: Ordinal::FIRST,
            provider: ProviderId::new("facebook").unwrap(),
            to,
        }));
    });
}

#[test]
fn gamebase_3_21_the_donor_must_be_y() {
    block_on(async {
        let world = world(with_release()).await;
        let to = log_in(world.engine(), guest(GUEST)).await.account.id;
        let banned = log_in(world.engine(), at("facebook", "b")).await;
        world.engine().ban(&operator(), banned.account.id, BanRequest::permanent()).await.unwrap();
        let suspended = suspended(&world, "p").await;
        let leaving = pending(&world, "t").await.0;
        for donor in [banned, suspended, leaving] {
            let id = donor.account.id;
            assert_eq!(moved(&world, &donor, to).await, Refusal::DonorNotNormal(id));
            assert_eq!(account(&world, id).await.identities.len(), 1);
        }
    });
}

#[test]
fn gamebase_3_21_the_receiver_must_be_a_guest_or_lost() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let donor = log_in(world.engine(), at("facebook", "ann")).await;
        let full = log_in(world.engine(), at("google", "bob")).await;
        let to = full.account.id;
        assert_eq!(moved(&world, &donor, to).await, Refusal::ReceiverNotEligible(to));
        assert_eq!(moved(&world, &donor, donor.account.id).await, Refusal::NothingToChange);
        let nobody = AccountId::from_bytes([9; 16]);
        assert_eq!(moved(&world, &donor, nobody).await, Refusal::AccountNotFound);
        let proof = who(world.engine(), &full).await;
        world.engine().withdraw(&context(), &proof).await.unwrap();
        assert_eq!(moved(&world, &donor, to).await, Refusal::Withdrawn);
        let facebook = ProviderId::new("facebook").unwrap();
        let unknown = IdentityKey::new(facebook.clone(), "nobody");
        let refused = world.engine().move_identity(&operator(), &unknown, to).await;
        assert_eq!(refusal(refused), Refusal::IdentityUnknown(facebook));
        assert_eq!(valid(&world, donor.account.id).await, 'Y');
    });
}

#[test]
fn gamebase_3_21_a_donor_with_one_identity_becomes_m_and_its_sessions_end() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, receiver) = lost(&world, "ann").await;
        assert_eq!(valid(&world, player.account.id).await, 'M');
        assert!(!is_alive(&world, &player).await);
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(again.account.id, receiver.account.id);
    });
}

#[test]
fn gamebase_4_8_all_sessions_of_an_account_that_is_lost_end() {
    block_on(async {
        let policy = Policy {
            credential_change: authcore::policy::CredentialChange::KeepsSessions,
            ..Policy::gamebase()
        };
        let world = world(policy).await;
        let player = two_logins(&world, "ann").await;
        let by_google = log_in(world.engine(), at("google", "ann")).await;
        let proof = who(world.engine(), &player).await;
        let unlink = authcore::Unlink::any(ProviderId::new("google").unwrap());
        world.engine().unlink(&context(), &proof, unlink).await.unwrap();
        assert!(is_alive(&world, &by_google).await, "the policy keeps it");
        let to = log_in(world.engine(), guest(GUEST)).await.account.id;
        let key = &player.account.identities[0].key;
        world.engine().move_identity(&operator(), key, to).await.unwrap();
        assert!(!is_alive(&world, &by_google).await);
    });
}

#[test]
fn a_lost_account_comes_back_as_it_was_banned_or_leaving() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (leaving, due) = pending(&world, "t").await;
        let banned = log_in(world.engine(), at("facebook", "b")).await;
        world.engine().ban(&operator(), banned.account.id, BanRequest::permanent()).await.unwrap();
        for (player, letter) in [(leaving, 'T'), (banned, 'B')] {
            let id = player.account.id;
            craft(&world, id, |account| account.identities.clear()).await;
            assert_eq!(valid(&world, id).await, 'M');
            let donor = log_in(world.engine(), at("line", &letter.to_string())).await;
            let key = &donor.account.identities[0].key;
            world.engine().move_identity(&operator(), key, id).await.unwrap();
            assert_eq!(valid(&world, id).await, letter);
        }
        world.clock().set(due);
        assert!(log_in(world.engine(), at("line", "T")).await.created);
    });
}

#[test]
fn an_email_address_takes_its_password_along() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let email = || Credential::Email {
            email: "ann@example.com".into(),
            password: "a password of hers".into(),
        };
        let donor = log_in(world.engine(), email()).await;
        let receiver = log_in(world.engine(), guest(GUEST)).await;
        let key = &donor.account.identities[0].key;
        world.engine().move_identity(&operator(), key, receiver.account.id).await.unwrap();
        assert_eq!(valid(&world, donor.account.id).await, 'M');
        assert_eq!(log_in(world.engine(), email()).await.account.id, receiver.account.id);
    });
}

#[test]
fn gamebase_3_21_unmap_needs_two_or_more() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = two_logins(&world, "ann").await;
        let by_google = log_in(world.engine(), at("google", "ann")).await;
        let id = player.account.id;
        let op = operator();
        let first = world.engine().unlink_identity(&op, id, Ordinal::FIRST).await.unwrap();
        assert_eq!(first.identities.len(), 1);
        assert!(!is_alive(&world, &player).await, "opened by what is gone");
        assert!(is_alive(&world, &by_google).await);
        assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
        let gone = world.engine().unlink_identity(&op, id, Ordinal::FIRST).await;
        let rule = Rule::Unknown;
        assert_eq!(refusal(gone), Refusal::Invalid { field: Field::Identity, rule });
        let last = first.identities[0].ordinal;
        let refused = world.engine().unlink_identity(&op, id, last).await;
        assert!(matches!(refusal(refused), Refusal::LastIdentity(_)));
    });
}

#[test]
fn gamebase_3_12_look_ups_find_d_and_m_too_and_leave_unknown_ids_out() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (missing, _) = lost(&world, "m").await;
        let (gone, due) = pending(&world, "d").await;
        let here = log_in(world.engine(), at("facebook", "y")).await;
        world.clock().set(due);
        let ids = [missing.account.id, AccountId::from_bytes([9; 16]), gone.account.id];
        let found = world.engine().accounts_by_id(&operator(), &ids).await.unwrap();
        let letters: String =
            found.iter().map(|account| standing(account).gamebase_code()).collect();
        assert_eq!(letters, "MD");
        let key = |player: &LoggedIn| player.account.identities[0].key.clone();
        let keys = [key(&gone), key(&here)];
        let found = world.engine().accounts_by_identity(&operator(), &keys).await.unwrap();
        assert_eq!(found.len(), 1, "what time has freed is nobody's");
        assert_eq!((&found[0].0, found[0].1.id), (&keys[1], here.account.id));
    });
}

#[test]
fn gamebase_3_12_at_most_three_hundred_at_once() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let key = IdentityKey::new(ProviderId::CUSTOM, "somebody");
        let rule = Rule::AtMostItems { items: 300 };
        let expected = Refusal::Invalid { field: Field::Count, rule };
        let many = world.engine().accounts_by_identity(&operator(), &vec![key.clone(); 301]).await;
        assert_eq!(refusal(many), expected);
        let ids = vec![AccountId::from_bytes([9; 16]); 301];
        assert_eq!(refusal(world.engine().accounts_by_id(&operator(), &ids).await), expected);
        let enough = world.engine().accounts_by_identity(&operator(), &vec![key; 300]).await;
        assert_eq!(enough.unwrap(), []);
    });
}

#[test]
fn a_login_beside_a_move_opens_no_session_that_outlives_it() {
    block_on(async {
        for _ in 0..50 {
            let world = world(Policy::gamebase()).await;
            // Its session is google's, so that there is none of facebook's when the move begins.
            let donor = log_in(world.engine(), at("google", "ann")).await;
            let proof = who(world.engine(), &donor).await;
            let link = Link::new(at("facebook", "ann"));
            let linked = world.engine().link(&context(), &proof, link).await.unwrap();
            let to = log_in(world.engine(), guest(GUEST)).await.account.id;
            let key = linked.identities[1].key.clone();
            let player = std::thread::scope(|scope| {
                let login = scope.spawn(|| block_on(log_in(world.engine(), at("facebook", "ann"))));
                let moved = scope.spawn(|| {
                    block_on(world.engine().move_identity(&operator(), &key, to)).unwrap();
                });
                moved.join().unwrap();
                login.join().unwrap()
            });
            let survived = is_alive(&world, &player).await;
            assert!(!survived || player.account.id == to);
        }
    });
}

#[test]
fn security_63_what_an_operator_takes_away_ends_the_sessions_that_the_policy_says() {
    block_on(async {
        use authcore::policy::CredentialChange as On;
        for (ends, by_it, by_another) in [
            (On::KeepsSessions, false, true),
            (On::EndsItsSessions, false, true),
            (On::EndsOtherSessions, false, false),
        ] {
            for how in 0..3 {
                let policy = Policy {
                    credential_change: ends,
                    provider_delete_unlinks: true,
                    ..Policy::gamebase()
                };
                let world = world(policy).await;
                let engine = world.engine();
                let player = two_logins(&world, "ann").await;
                let by_google = log_in(engine, at("google", "ann")).await;
                let key = &player.account.identities[0].key;
                let id = player.account.id;
                match how {
                    0 => {
                        engine.unlink_identity(&operator(), id, Ordinal::FIRST).await.unwrap();
                    }
                    1 => {
                        engine.provider_account_deleted(&operator(), key).await.unwrap();
                    }
                    _ => {
                        let to = log_in(engine, guest(GUEST)).await.account.id;
                        engine.move_identity(&operator(), key, to).await.unwrap();
                    }
                }
                assert_eq!(is_alive(&world, &player).await, by_it, "{ends:?} {how}");
                assert_eq!(is_alive(&world, &by_google).await, by_another, "{ends:?} {how}");
            }
        }
    });
}

#[test]
fn security_63_a_password_that_goes_with_its_email_address_ends_what_it_opened() {
    block_on(async {
        for moves in [false, true] {
            let world = world(Policy { generated_usernames: true, ..Policy::gamebase() }).await;
            let engine = world.engine();
            let email = Credential::Email {
                email: "ann@example.com".into(),
                password: "the password of ann".into(),
            };
            let mut login = authcore::Login::new(email);
            login.username = Some("ann".into());
            let player = engine.login(&context(), login).await.unwrap();
            let proof = who(engine, &player).await;
            engine.link(&context(), &proof, Link::new(at("google", "ann"))).await.unwrap();
            let by_name = Credential::Username {
                username: "ann".into(),
                password: "the password of ann".into(),
            };
            let by_name = log_in(engine, by_name).await;
            let id = player.account.id;
            if moves {
                let to = log_in(engine, guest(GUEST)).await.account.id;
                let key = &player.account.identities[0].key;
                engine.move_identity(&operator(), key, to).await.unwrap();
            } else {
                engine.unlink_identity(&operator(), id, Ordinal::FIRST).await.unwrap();
            }
            assert_eq!(account(&world, id).await.password, None);
            assert!(!is_alive(&world, &by_name).await, "opened by the password that is gone");
        }
    });
}
