//! What a provider says of a player (gamebase 1.11, nakama 9.6), and who the player was there before (decision 17).

use authcore::account::{AccountId, IdentityKey, ProfileUpdate};
use authcore::event::{EventCursor, EventKind};
use authcore::store::Lookup;
use authcore::verifier::{ProviderProfile, VerifiedIdentity, VerifyContext, VerifyError};
use authcore::{Policy, Refusal};
use authcore_testkit::Harness;

use super::{context, kept, load, provider, refusal, social, social_world, who};
use crate::domain::{block_on, log_in, operator, try_log_in};

/// The subject, with a profile whose name is what follows `:`, and former subjects after `<`.
#[expect(clippy::unnecessary_wraps, reason = "a verifier")]
fn verify(text: &str, context: &VerifyContext) -> Result<VerifiedIdentity, VerifyError> {
    if let Some((subject, former)) = text.split_once('<') {
        return Ok(context.identity(subject).formerly(former.split(',')));
    }
    let Some((subject, name)) = text.split_once(':') else { return Ok(context.identity(text)) };
    let mut profile = ProviderProfile::default();
    profile.display_name = Some(name.to_owned());
    profile.lang_tag = Some("de".to_owned());
    Ok(context.identity(subject).with_profile(profile))
}

async fn world(policy: Policy) -> Harness {
    social_world(policy, verify).await
}

async fn changes(world: &Harness, account: AccountId) -> usize {
    let all = world.engine().events(&operator(), EventCursor::START, 1000).await.unwrap();
    all.iter()
        .filter(|stored| stored.event.account == account)
        .filter(|stored| stored.event.kind == EventKind::ProfileChanged)
        .count()
}

#[test]
fn nakama_9_6_a_new_account_takes_the_providers_profile() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let ann = log_in(world.engine(), social("ann:Ann")).await;
        let profile = kept(&world, ann.account.id).await.account.profile;
        assert_eq!((&*profile.display_name, &*profile.lang_tag), ("Ann", "de"));
        assert_eq!(changes(&world, ann.account.id).await, 1);
    });
}

#[test]
fn nakama_7_2_an_existing_account_takes_only_what_is_empty() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        let ann = log_in(engine, social("ann")).await;
        let again = log_in(engine, social("ann:Ann")).await;
        assert_eq!(&*again.account.profile.display_name, "Ann");
        assert_eq!(&*again.account.profile.lang_tag, "en", "the player's own choice by now");
        log_in(engine, social("ann:Other")).await;
        assert_eq!(&*kept(&world, ann.account.id).await.account.profile.display_name, "Ann");
        assert_eq!(changes(&world, ann.account.id).await, 1);
        let who = who(engine, &again).await;
        let mut update = ProfileUpdate::default();
        update.display_name = Some("Annie".to_owned());
        engine.update_profile(&context(), &who, update).await.unwrap();
        let kept = log_in(engine, social("ann:Ann")).await.account.profile.display_name;
        assert_eq!(&*kept, "Annie");
    });
}

#[test]
fn gamebase_1_11_the_profile_is_told_at_its_login_and_kept_only_by_policy() {
    block_on(async {
        let world = world(Policy { imports_profile: false, ..Policy::gamebase() }).await;
        let ann = log_in(world.engine(), social("ann:Ann")).await;
        assert_eq!(ann.provider_profile.unwrap().display_name.as_deref(), Some("Ann"));
        assert_eq!(kept(&world, ann.account.id).await.account.profile, ann.account.profile);
        assert_eq!(&*ann.account.profile.display_name, "");
        assert_eq!(log_in(world.engine(), social("ann")).await.provider_profile, None);
    });
}

#[test]
fn decision_17_a_former_subject_is_re_keyed_at_login() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let old = log_in(world.engine(), social("old")).await;
        let new = log_in(world.engine(), social("new<older,old")).await;
        assert_eq!((new.account.id, new.created), (old.account.id, false));
        assert_eq!(new.account.identities.len(), 1);
        assert_eq!(new.account.identities[0].ordinal, old.account.identities[0].ordinal);
        assert_eq!(log_in(world.engine(), social("new")).await.account.id, old.account.id);
        let former = Lookup::Identity(IdentityKey::new(provider("social"), "old"));
        assert_eq!(load(&world, former).await, None);
    });
}

#[test]
fn decision_17_a_former_subject_of_another_account_is_left_alone() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let old = log_in(world.engine(), social("old")).await;
        let new = log_in(world.engine(), social("new")).await;
        let again = log_in(world.engine(), social("new<old")).await;
        assert_eq!(again.account.id, new.account.id);
        assert_eq!(kept(&world, old.account.id).await.account, old.account);
    });
}

#[test]
fn a_proof_that_is_over_is_told_as_such() {
    block_on(async {
        let world = social_world(Policy::recommended(), |text, context| {
            Ok(context.identity(text).until(context.now()))
        })
        .await;
        let got = refusal(try_log_in(world.engine(), social("ann")).await);
        assert_eq!(got, Refusal::CredentialExpired(provider("social")));
    });
}

#[test]
fn providers_3_8_flags_and_the_owner_are_told_with_the_login_and_refuse_nobody() {
    block_on(async {
        let world = social_world(Policy::recommended(), |text, context| {
            let proof = context.identity("ann");
            Ok(match text {
                "banned" => proof.with_flags(["vac_banned", "publisher_banned"]),
                "borrowed" => proof.borrowed_from("bob"),
                _ => proof,
            })
        })
        .await;
        let log_in = |text| log_in(world.engine(), social(text));
        assert_eq!(log_in("banned").await.flags, ["vac_banned", "publisher_banned"]);
        let borrowed = log_in("borrowed").await;
        assert_eq!((borrowed.flags.len(), borrowed.owner.as_deref()), (0, Some("bob")));
        let plain = log_in("plain").await;
        assert_eq!((plain.flags.len(), plain.owner), (0, None));
    });
}

#[test]
fn decision_17_a_former_subject_counts_when_the_present_ones_owner_was_withdrawn_by_its_date() {
    block_on(async {
        let world = world(Policy::recommended()).await;
        let engine = world.engine();
        let gone = log_in(engine, social("new")).await;
        let proof = who(engine, &gone).await;
        engine.request_withdrawal(&context(), &proof).await.unwrap();
        let bob = log_in(engine, social("old")).await;
        world.clock().advance(engine.policy().withdrawal_grace);
        let found = log_in(engine, social("new<old")).await;
        assert_eq!((found.account.id, found.created), (bob.account.id, false));
        assert_eq!(found.account.identities[0].key.subject(), "new");
    });
}
