//! A subject whose verifier knows it under a former name (decision 17): it is whose the former one is.

use authcore::lifecycle::{Standing, standing};
use authcore::{Link, Merge, Policy, Refusal, Unlink};

use super::super::{at, block_on, context, log_in, refusal, world};
use super::{account, key, kinds, link, player, provider, refused_link, ticket};

#[test]
fn decision_17_a_link_of_what_another_account_has_under_a_former_subject_is_refused() {
    block_on(async {
        for policy in [Policy::nakama(), Policy::braincloud()] {
            let world = world(policy).await;
            let engine = world.engine();
            let bob = log_in(engine, at("facebook", "old")).await;
            let ann = player(engine, at("line", "ann")).await;
            let refused = refused_link(engine, &ann, at("facebook", "new<old")).await;
            let taken = Refusal::IdentityTaken { provider: provider("facebook"), ticket: None };
            assert_eq!(refused, taken);
            assert_eq!(kinds(&account(&world, ann.id()).await), ["line"]);
            let again = log_in(engine, at("facebook", "new<old")).await;
            assert_eq!(again.account.id, bob.account.id);
        }
    });
}

#[test]
fn decision_17_its_ticket_moves_the_former_identity_and_nothing_is_left_behind() {
    block_on(async {
        for again in [false, true] {
            let world = world(Policy::gamebase()).await;
            let engine = world.engine();
            let bob = log_in(engine, at("facebook", "old")).await;
            let ann = player(engine, at("line", "ann")).await;
            let offer = ticket(engine, &ann, at("facebook", "new<old")).await;
            assert_eq!(offer.owner, bob.account.id);
            let taken = if again {
                let request = Link::new(at("facebook", "new<old"));
                engine.link_forcibly_with(&context(), &ann.who, &offer.secret, request).await
            } else {
                engine.link_forcibly(&context(), &ann.who, &offer.secret).await
            };
            assert_eq!(kinds(&taken.unwrap()), ["line", "facebook"]);
            assert_eq!(standing(&account(&world, bob.account.id).await), Standing::Missing);
            let login = log_in(engine, at("facebook", "new<old")).await;
            assert_eq!(login.account.id, ann.id());
            assert!(login.account.identity(&key("facebook", "new")).is_some());
        }
    });
}

#[test]
fn decision_17_ones_own_former_subject_is_linked_already() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = player(world.engine(), at("facebook", "old")).await;
        let refused = refused_link(world.engine(), &ann, at("facebook", "new<old")).await;
        assert_eq!(refused, Refusal::AlreadyLinked(provider("facebook")));
    });
    block_on(async {
        let world = world(Policy::nakama()).await;
        let ann = player(world.engine(), at("facebook", "old")).await;
        let before = account(&world, ann.id()).await.identities[0].ordinal;
        let linked = link(world.engine(), &ann, at("facebook", "new<old")).await;
        assert_eq!(linked.identities.len(), 1);
        assert_eq!(linked.identities[0].key, key("facebook", "new"), "re-keyed, as at a login");
        assert_eq!(linked.identities[0].ordinal, before);
        assert_eq!(account(&world, ann.id()).await, linked);
    });
}

#[test]
fn decision_17_a_merge_finds_the_other_account_by_a_former_subject() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let engine = world.engine();
        let bob = log_in(engine, at("facebook", "old")).await;
        world.clock().advance(chrono::TimeDelta::seconds(1));
        let ann = player(engine, at("line", "ann")).await;
        let request = || Merge::new(at("facebook", "new<old"));
        let preview = engine.merge_preview(&context(), &ann.who, request()).await.unwrap();
        let merged = engine.merge(&context(), &ann.who, request()).await.unwrap();
        assert_eq!(preview, merged.report);
        assert_eq!(merged.account.id, bob.account.id, "the older one survives");
        assert_eq!(merged.session.identity, Some(bob.account.identities[0].ordinal));
        assert_eq!(kinds(&merged.account), ["facebook", "line"]);
    });
}

#[test]
fn decision_17_an_unlink_of_exactly_one_finds_it_by_its_former_subject() {
    block_on(async {
        let world = world(Policy::nakama()).await;
        let engine = world.engine();
        let ann = player(engine, at("facebook", "old")).await;
        link(engine, &ann, at("line", "ann")).await;
        let request = Unlink::exactly(provider("facebook"), "new<old");
        let left = engine.unlink(&context(), &ann.who, request).await.unwrap();
        assert_eq!(kinds(&left), ["line"]);
        let stranger = Unlink::exactly(provider("facebook"), "new<old");
        let refused = refusal(engine.unlink(&context(), &ann.who, stranger).await);
        assert_eq!(refused, Refusal::NotLinked(provider("facebook")));
    });
}
