//! What players do about their accounts.

use authcore::Policy;
use authcore::account::ProfileUpdate;

use super::{Exams, Operation, Player, World, context, custom, device, told};

fn done<T>(result: Result<T, authcore::Error>) -> String {
    told(result, |_| "done".to_owned())
}

pub(super) fn examine(exams: &mut Exams) {
    let policy = Policy { step_up: None, ..Policy::recommended() };
    let ann = async |world: &World| world.player_with(device("ann"), custom("ann")).await;
    exams.of(
        Operation::new("update_profile", "of its display name", "done"),
        &policy,
        ann,
        async |world, player: &Player| {
            let mut update = ProfileUpdate::default();
            update.display_name = Some("Ann".into());
            done(world.engine.update_profile(&context(), &player.who, update).await)
        },
    );
    exams.of(
        Operation::new("set_username", "to one that is free", "done"),
        &policy,
        ann,
        async |world, player| done(world.engine.set_username(&context(), &player.who, "ann").await),
    );
    exams.of(
        Operation::new("delete_account", "of its own", "done"),
        &policy,
        ann,
        async |world, player| done(world.engine.delete_account(&context(), &player.who).await),
    );
    exams.of(
        Operation::new("withdraw", "at once", "withdrawn"),
        &policy,
        ann,
        async |world, player| done(world.engine.withdraw(&context(), &player.who).await),
    );
    let request = async |world: &World, player: &Player| {
        done(world.engine.request_withdrawal(&context(), &player.who).await)
    };
    exams.of(
        Operation::new("request_withdrawal", "for the first time", "withdrawal_pending"),
        &policy,
        ann,
        request,
    );
    exams.of(
        Operation::new("cancel_withdrawal", "of a request", "withdrawal_not_pending"),
        &policy,
        async |world| {
            let player = ann(world).await;
            request(world, &player).await;
            player
        },
        async |world, player| done(world.engine.cancel_withdrawal(&context(), &player.who).await),
    );
}
