use authcore::{Link, Policy, Refusal};

use super::{at, block_on, context, guest, log_in, refusal, who, world};

#[test]
fn gamebase_3_7_check_1_a_guest_key_cannot_be_added() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let who = who(world.engine(), &player).await;
        let link = Link::new(guest("a-guest-key-of-16-bytes"));
        let refused = refusal(world.engine().link(&context(), &who, link).await);
        assert!(matches!(refused, Refusal::NotLinkable(_)));
    });
}
