use authcore::{BanRequest, Policy, Refusal};

use super::{at, block_on, log_in, operator, refusal, try_log_in, world};

#[test]
fn gamebase_4_1_b_otherwise_is_refused_with_ban_info() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let ban = BanRequest::permanent().with_message("cheating");
        world.engine().ban(&operator(), player.account.id, ban).await.unwrap();
        let refused = refusal(try_log_in(world.engine(), at("facebook", "ann")).await);
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!(info.account, player.account.id);
        assert_eq!(&*info.message, "cheating");
    });
}
