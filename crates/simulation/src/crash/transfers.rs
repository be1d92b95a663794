//! Guest transfer accounts.

use std::num::NonZeroU32;

use authcore::account::AccountId;
use authcore::transfer::{
    Characters, KeyFormat, LockRule, Reissue, Renewal, Transfer, TransferInfo, TransferRules,
};
use authcore::{Error, Policy, Secret};

use super::{Exams, Operation, Player, World, context, guest, operator, told};

fn issued(result: Result<TransferInfo, Error>) -> String {
    told(result, |info| format!("{:?}", info.status))
}

struct Issued {
    player: Player,
    id: Secret,
    password: Secret,
}

async fn issue(world: &World) -> Issued {
    let player = world.player(guest("ann")).await;
    let info = world.engine.issue_transfer_account(&context(), &player.who).await.expect("one");
    let (id, password) = info.id.zip(info.password).expect("both");
    Issued { player, id, password }
}

async fn validate(world: &World, issued: &Issued, password: &Secret) -> String {
    let account =
        world.engine.validate_transfer_account(&context(), &operator(), &issued.id, password).await;
    told(account, |_| "right".to_owned())
}

/// With wrong passwords, of which the second blocks.
async fn block(world: &World) -> AccountId {
    let issued = issue(world).await;
    validate(world, &issued, &"000000000000".into()).await;
    assert_eq!(validate(world, &issued, &"000000000000".into()).await, "transfer_blocked");
    issued.player.login.account.id
}

pub(super) fn rules() -> TransferRules {
    let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    let failures = NonZeroU32::MIN.saturating_add(1);
    TransferRules {
        id: digits,
        password: Some(digits),
        one_time: true,
        lifetime: None,
        lock: Some(LockRule { failures, period: None }),
        not_before: None,
    }
}

pub(super) fn examine(exams: &mut Exams) {
    let policy = Policy { transfer: Some(rules()), step_up: None, ..Policy::gamebase() };
    exams.of(
        Operation::new("issue_transfer_account", "for the first time", "transfer_exists"),
        &policy,
        async |world| world.player(guest("ann")).await,
        async |world, player: &Player| {
            issued(world.engine.issue_transfer_account(&context(), &player.who).await)
        },
    );
    exams.of(
        Operation::new("renew_transfer_account", "id and password", "Issued").repeating(),
        &policy,
        issue,
        async |world, issue| {
            let renewal = Renewal::AutoIdAndPassword;
            let who = &issue.player.who;
            issued(world.engine.renew_transfer_account(&context(), who, &renewal).await)
        },
    );
    exams.of(
        Operation::new("transfer", "to a device with a guest, who is lost", "transfer_used"),
        &policy,
        async |world| {
            world.player(guest("bob")).await;
            issue(world).await
        },
        async |world, issue| {
            let request = Transfer::new("guest-key-of-bob", issue.id.clone())
                .with_password(issue.password.clone());
            let carried = world.engine.transfer(&context(), None, request).await;
            told(carried, |player| format!("login {}", player.login_count))
        },
    );
    exams.of(
        Operation::new("validate_transfer_account", "with a wrong password", "transfer_blocked")
            .repeating(),
        &policy,
        issue,
        async |world, issue| validate(world, issue, &"000000000000".into()).await,
    );
    exams.of(
        Operation::new("unblock_transfer_account", "of a blocked one", "done"),
        &policy,
        block,
        async |world, id| {
            told(world.engine.unblock_transfer_account(&operator(), *id).await, |_| {
                "done".to_owned()
            })
        },
    );
    exams.of(
        Operation::new("reissue_transfer_account", "of a blocked one", "Issued").repeating(),
        &policy,
        block,
        async |world, id| {
            let what = Reissue::IdAndPassword;
            issued(world.engine.reissue_transfer_account(&operator(), *id, what).await)
        },
    );
}
