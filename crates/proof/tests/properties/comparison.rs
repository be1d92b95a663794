//! The comparison: which actions may come, and what must be the same after each.

use std::marker::PhantomData;

use authcore_proof::{Action, Device, Hands, Id, Reference, View, World};
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::stores::Kind;
use crate::tally;

/// How long one step of time is, in seconds: about the spans of the small game, and a moment beside them.
const STEPS_OF_TIME: [i64; 14] =
    [1, 9, 10, 599, 600, 3600, 86_399, 86_400, 86_400, 172_800, -1, -10, -600, -86_400];

/// Which actions may come, by the reference model.
pub(crate) struct Actions;

impl ReferenceStateMachine for Actions {
    type State = Reference;
    type Transition = Action;

    fn init_state() -> BoxedStrategy<Reference> {
        Just(Reference::new()).boxed()
    }

    fn transitions(reference: &Reference) -> BoxedStrategy<Action> {
        let mut all = Vec::with_capacity(128);
        for on in Device::ALL {
            for id in Id::ALL {
                all.extend([Action::Login(on, id), Action::Link(on, id), Action::Link(on, id)]);
                all.push(Action::Unlink(on, id));
            }
            all.extend([Action::Login(on, on.guest()); 3]);
            // What needs several steps before it comes more often.
            all.extend([Action::Force(on); 5]);
            all.extend([Action::ChangeLogin(on); 5]);
            for action in [
                Action::Refresh(on),
                Action::Replay(on),
                Action::IssueTransfer(on),
                Action::Transfer(on, true),
                Action::Transfer(on, false),
            ] {
                all.extend([action, action]);
            }
            all.extend([
                Action::Logout(on),
                Action::LogoutEverywhere(on),
                Action::Withdraw(on),
                Action::RequestWithdrawal(on),
                Action::CancelWithdrawal(on),
                Action::RenewTransfer(on),
            ]);
        }
        for account in 0..reference.accounts() {
            all.extend(Action::by_operators(account));
            all.extend(Id::ALL.map(|id| Action::Move(id, account)));
        }
        all.extend(STEPS_OF_TIME.map(Action::Pass));
        let there = reference.there();
        all.retain(|action| there.allows(action));
        select(all).boxed()
    }

    fn apply(mut reference: Reference, action: &Action) -> Reference {
        reference.act(*action);
        reference
    }

    fn preconditions(reference: &Reference, action: &Action) -> bool {
        reference.there().allows(action)
    }
}

/// The engine on a kind of store, beside the reference model.
pub(crate) struct Comparison<K>(PhantomData<K>);

/// An engine, and what its store stands on.
pub(crate) struct Running<K: Kind> {
    world: World,
    _ground: K::Ground,
}

impl<K: Kind> StateMachineTest for Comparison<K> {
    type SystemUnderTest = Running<K>;
    type Reference = Actions;

    fn init_test(_: &Reference) -> Running<K> {
        let (store, ground) = K::fresh();
        let world = K::block_on(World::on(store, 0, Hands::default()));
        Running { world, _ground: ground }
    }

    fn apply(mut running: Running<K>, reference: &Reference, action: Action) -> Running<K> {
        let outcome = K::block_on(running.world.act(action));
        tally::count(&action, outcome);
        assert_eq!(outcome, reference.expected(), "the engine and the reference: {action:?}");
        running
    }

    fn check_invariants(running: &Running<K>, reference: &Reference) {
        let world = &running.world;
        let expected = reference.views();
        assert_eq!(world.hands.accounts.len(), expected.len());
        for (account, expected) in expected.iter().enumerate() {
            let kept = K::block_on(world.kept(account));
            let view = View::of(&kept, &world.hands.sessions, world.now());
            assert_eq!(view, *expected, "the engine and the reference: {account}");
        }
    }
}
