//! The rooms: parts of the small game that are explored each for itself, as far as their size lets.

use std::collections::BTreeSet;
use std::sync::Mutex;

use authcore_proof::{Action, BanLength, Device, Id, SECONDS};
use stateright::{Model, Property};

use crate::reach;
use crate::rules::RULES;
use crate::state::State;

/// How many accounts there may be.
const ACCOUNTS: usize = 3;
/// The one step of time: all spans but the shortest are whole numbers of it.
const TICK: Action = Action::Pass(SECONDS.ban);
/// How often time may pass.
const TICKS: u8 = 4;

/// So many steps, and how many states are within them.
type Size = (u8, usize);

/// A part of the small game.
pub(crate) struct Room {
    pub(crate) name: &'static str,
    pub(crate) steps: u8,
    /// How many states there must be.
    pub(crate) states: usize,
    /// What has happened when it opens.
    opening: Vec<Action>,
    actions: Vec<Action>,
    /// What must be reached.
    goals: Vec<reach::Reach>,
    reached: Mutex<BTreeSet<String>>,
}

impl Room {
    /// The second size is that of the command, which sets `PROVE_LONG`. Besides the goals, an action of each kind that
    /// there is must have been accepted.
    fn new(
        name: &'static str,
        [bounded, longer]: [Size; 2],
        actions: Vec<Action>,
        goals: &[reach::Reach],
    ) -> Self {
        let is_long = std::env::var_os("PROVE_LONG").is_some();
        let (steps, states) = if is_long { longer } else { bounded };
        let kinds: BTreeSet<_> = actions.iter().map(Action::name).collect();
        let kinds = kinds.into_iter().map(|kind| {
            let known = reach::ACTIONS.iter().find(|(name, _)| *name == kind);
            *known.unwrap_or_else(|| panic!("no goal for a kind of action: {kind}"))
        });
        let goals = kinds.chain(goals.iter().copied()).collect();
        let reached = Mutex::default();
        Self { name, steps, states, opening: Vec::new(), actions, goals, reached }
    }

    /// Both phones are logged in when it opens.
    fn opening_with(mut self, a: Id, b: Id) -> Self {
        self.opening = vec![Action::Login(Device::A, a), Action::Login(Device::B, b)];
        self
    }

    /// Whether something was reached.
    pub(crate) fn has_reached(&self, what: &str) -> bool {
        self.reached.lock().unwrap().contains(what)
    }
}

impl Model for Room {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut opened = State::empty();
        for action in &self.opening {
            opened = opened.after(*action);
        }
        opened.steps = 0;
        vec![opened]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.steps < self.steps {
            let there = state.hands.there();
            actions.extend(self.actions.iter().filter(|action| there.allows(action)));
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let next = state.after(action);
        // What is beyond the boundary is judged by no rule.
        if self.within_boundary(&next) {
            self.reached.lock().unwrap().extend(reach::facts(state, &action, &next));
        }
        (next != *state).then_some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.kept.len() <= ACCOUNTS && state.ticks <= TICKS
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let rules = RULES.iter().map(|(name, rule)| Property::always(name, *rule));
        let reaches = self.goals.iter().map(|(name, is)| Property::sometimes(name, *is));
        rules.chain(reaches).collect()
    }
}

/// What is done on one phone by one player, and by operators: bans, suspensions, leaving.
pub(crate) fn standing() -> Room {
    let mut actions = vec![
        Action::Login(Device::A, Id::GuestA),
        Action::Login(Device::A, Id::Custom),
        Action::Withdraw(Device::A),
        Action::RequestWithdrawal(Device::A),
        Action::CancelWithdrawal(Device::A),
        TICK,
    ];
    actions.extend(Action::by_operators(0));
    Room::new("standing", [(5, 5998), (6, 33_452)], actions, reach::STANDING)
}

/// One account on both phones: tokens, and what ends them.
pub(crate) fn sessions() -> Room {
    let mut actions = vec![
        Action::Login(Device::A, Id::Custom),
        Action::Login(Device::B, Id::Custom),
        Action::Login(Device::B, Id::Device),
        Action::Link(Device::A, Id::Device),
        Action::Unlink(Device::A, Id::Device),
        Action::LogoutEverywhere(Device::A),
        Action::Ban(0, BanLength::Day, false),
        Action::Unban(0),
        TICK,
    ];
    for on in Device::ALL {
        actions.extend([Action::Refresh(on), Action::Replay(on), Action::Logout(on)]);
    }
    Room::new("sessions", [(5, 5961), (6, 35_247)], actions, reach::SESSIONS)
}

/// Two players with three logins: links, tickets, and what becomes of who loses a login.
pub(crate) fn mapping() -> Room {
    let mut actions = vec![
        Action::Login(Device::A, Id::Custom),
        Action::Login(Device::B, Id::GuestB),
        Action::Link(Device::A, Id::Device),
        Action::Link(Device::B, Id::Custom),
        Action::Link(Device::B, Id::Device),
        Action::Unlink(Device::A, Id::Device),
        Action::Unlink(Device::B, Id::Custom),
        Action::Force(Device::B),
        Action::ChangeLogin(Device::B),
        Action::Ban(0, BanLength::Day, false),
        Action::Unban(0),
        Action::Remove(0),
        TICK,
    ];
    actions.push(Action::Logout(Device::B));
    let room = Room::new("mapping", [(4, 2935), (5, 17_906)], actions, reach::MAPPING);
    room.opening_with(Id::Custom, Id::GuestB)
}

/// Two guests, each on a phone of its own, and a transfer account.
pub(crate) fn transfer() -> Room {
    let actions = vec![
        Action::Login(Device::A, Id::GuestA),
        Action::Login(Device::B, Id::GuestB),
        Action::Link(Device::A, Id::Custom),
        Action::IssueTransfer(Device::A),
        Action::IssueTransfer(Device::B),
        Action::RenewTransfer(Device::A),
        Action::Transfer(Device::B, true),
        Action::Transfer(Device::B, false),
        Action::Transfer(Device::A, true),
        Action::Ban(0, BanLength::Day, false),
        Action::Unban(0),
        Action::Remove(0),
        TICK,
    ];
    let room = Room::new("transfer", [(4, 2154), (5, 12_265)], actions, reach::TRANSFER);
    room.opening_with(Id::GuestA, Id::GuestB)
}

/// All that there is, but less far.
pub(crate) fn whole() -> Room {
    let mut actions = Vec::new();
    for on in Device::ALL {
        actions.extend([
            Action::Login(on, on.guest()),
            Action::Login(on, Id::Custom),
            Action::Link(on, Id::Custom),
            Action::Link(on, Id::Device),
            Action::Unlink(on, Id::Custom),
            Action::Force(on),
            Action::ChangeLogin(on),
            Action::Refresh(on),
            Action::Replay(on),
            Action::Logout(on),
            Action::LogoutEverywhere(on),
            Action::Withdraw(on),
            Action::RequestWithdrawal(on),
            Action::CancelWithdrawal(on),
            Action::IssueTransfer(on),
            Action::Transfer(on, true),
            Action::Transfer(on, false),
        ]);
    }
    actions.extend(Action::by_operators(0));
    actions.extend(Action::by_operators(1));
    actions.push(TICK);
    Room::new("the whole", [(4, 8233), (5, 89_557)], actions, &[])
}
