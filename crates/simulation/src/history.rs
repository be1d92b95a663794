//! What clients asked for, when, and what they were told.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use authcore::Credential;
use authcore::account::{AccountId, IdentityKey, ProviderId};
use authcore::session::SessionRef;
use authcore::store::Snapshot;
use chrono::{DateTime, Utc};

use crate::faults::Proposed;

/// A login that players of a simulation may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Of which kind.
    pub(crate) kind: Kind,
    /// Which.
    pub(crate) number: u8,
}

/// The kinds of logins: those of `Credential`; a portal is asked through a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Device,
    Guest,
    Custom,
    Portal,
    /// An email address, which takes a password.
    Email,
}

/// The verifier's name.
pub(crate) const PORTAL: &str = "portal";

impl Key {
    fn subject(self) -> String {
        match self.kind {
            Kind::Email => format!("player-{}@example.com", self.number),
            kind => format!("{kind:?}-of-the-player-{}", self.number),
        }
    }

    pub(crate) fn provider(self) -> ProviderId {
        match self.kind {
            Kind::Device => ProviderId::DEVICE,
            Kind::Guest => ProviderId::GUEST,
            Kind::Custom => ProviderId::CUSTOM,
            Kind::Email => ProviderId::EMAIL,
            Kind::Portal => ProviderId::new(PORTAL).expect("a provider's name"),
        }
    }

    /// What it is presented as, with the password of this number where it takes one.
    pub(crate) fn credential(self, password: Option<u8>) -> Credential {
        let subject = self.subject();
        match self.kind {
            Kind::Device => Credential::Device(subject.into()),
            Kind::Guest => Credential::Guest(subject.into()),
            Kind::Custom => Credential::Custom(subject.into()),
            Kind::Email => {
                let password = format!("the password number {}", password.unwrap_or_default());
                Credential::Email { email: subject, password: password.into() }
            }
            Kind::Portal => {
                Credential::Provider { provider: self.provider(), payload: subject.into() }
            }
        }
    }

    /// The key as it was linked.
    pub(crate) fn of(key: &IdentityKey) -> Self {
        let kinds = [Kind::Device, Kind::Guest, Kind::Custom, Kind::Portal, Kind::Email];
        let numbered =
            kinds.into_iter().flat_map(|kind| (0..9).map(move |number| Self { kind, number }));
        let mut found = numbered.filter(|it| it.subject() == key.subject());
        found.next().expect("no simulation links another")
    }

    pub(crate) fn text(self) -> String {
        self.subject()
    }
}

/// What a client asks for: the engine's methods, and what they are told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    /// With the password of this number where the login takes one.
    Login {
        key: Key,
        password: Option<u8>,
    },
    Verify {
        who: SessionRef,
        until: DateTime<Utc>,
    },
    Refresh {
        who: SessionRef,
        generation: u32,
        until: DateTime<Utc>,
    },
    Logout(SessionRef),
    LogoutEverywhere(SessionRef),
    Link {
        who: SessionRef,
        key: Key,
        password: Option<u8>,
    },
    /// With the ticket that the link of this number brought.
    ForcedLink {
        who: SessionRef,
        link: usize,
    },
    Unlink {
        who: SessionRef,
        key: Key,
    },
    Withdraw(SessionRef),
    IssueTransfer(SessionRef),
    /// To the device of this guest key, with what the issue of this number told.
    Transfer {
        to: Key,
        issue: usize,
    },
    Ban {
        account: AccountId,
        until: Option<DateTime<Utc>>,
    },
    Unban(AccountId),
    /// At the end, what the store has.
    Look(AccountId),
}

impl Call {
    const fn name(&self) -> &'static str {
        match self {
            Self::Login { .. } => "login",
            Self::Verify { .. } => "verify",
            Self::Refresh { .. } => "refresh",
            Self::Logout(_) => "logout",
            Self::LogoutEverywhere(_) => "logout everywhere",
            Self::Link { .. } => "link",
            Self::ForcedLink { .. } => "forced link",
            Self::Unlink { .. } => "unlink",
            Self::Withdraw(_) => "withdrawal",
            Self::IssueTransfer(_) => "issue of a transfer account",
            Self::Transfer { .. } => "transfer",
            Self::Ban { .. } => "ban",
            Self::Unban(_) => "release",
            Self::Look(_) => "look",
        }
    }
}

/// How often each call came to what: `ok`, `ticket`, or the code of a refusal.
pub type Answers = BTreeMap<(&'static str, &'static str), u64>;

/// What a client is told: the methods' outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    In {
        who: SessionRef,
        created: bool,
        logins: u64,
    },
    Done,
    /// The generation of the refresh token that came.
    Generation(u32),
    /// The logins that the account has now.
    Keys(Vec<Key>),
    /// The login is another account's; a ticket came.
    Ticket,
    /// The refusal's code.
    No(&'static str),
    Seen(Seen),
}

/// An account in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// Its logins, with their ordinals.
    pub(crate) keys: Vec<(u32, Key)>,
    /// Whether it has a password.
    pub(crate) password: bool,
    /// Whether it is banned.
    pub(crate) banned: bool,
    /// Whether it was withdrawn.
    pub(crate) withdrawn: bool,
    /// How many logins there were.
    pub(crate) logins: u64,
    /// Its sessions that were not ended, and their generations.
    pub(crate) sessions: Vec<(SessionRef, u32)>,
}

impl Seen {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let Snapshot { account, activity, .. } = snapshot;
        let lives = activity.sessions.iter().filter(|session| session.epoch >= account.epoch);
        let keys = account.identities.iter().map(|it| (it.ordinal.number(), Key::of(&it.key)));
        Self {
            keys: keys.collect(),
            password: account.password.is_some(),
            banned: account.ban.ban().is_some(),
            withdrawn: account.withdrawal.is_done(),
            logins: activity.login_count,
            sessions: lives
                .map(|it| (SessionRef { account: account.id, session: it.id }, it.generation))
                .collect(),
        }
    }
}

/// One call, from its beginning to its end.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Op {
    /// Which client's.
    pub(crate) client: usize,
    /// What.
    pub(crate) call: Call,
    /// The engine's clock when it began.
    pub(crate) now: DateTime<Utc>,
    /// When it began, in steps of the history.
    pub(crate) began: usize,
    /// The ids that it gave, if it was done.
    pub(crate) ids: Proposed,
    /// How it ended.
    pub(crate) end: End,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// With an answer, at this step of the history.
    Answered(usize, Answer),
    /// With a fault that says that nothing was done.
    Nothing,
    /// Nobody knows: its fate is unknown, or the process died.
    Unknown,
}

/// What all clients of a run asked for and were told, in the order in which they began.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct History {
    /// The calls.
    pub(crate) ops: Vec<Op>,
    steps: usize,
}

impl History {
    pub(crate) fn begin(&mut self, client: usize, call: Call, now: DateTime<Utc>) -> usize {
        let (began, ids) = (self.step(), Proposed::default());
        self.ops.push(Op { client, call, now, began, ids, end: End::Unknown });
        self.ops.len() - 1
    }

    /// Notes how a call ended; without an answer, nobody knows.
    pub(crate) fn end(&mut self, number: usize, ids: Proposed, end: Option<Result<Answer, ()>>) {
        let step = self.step();
        if let Some(op) = self.ops.get_mut(number) {
            op.ids = ids;
            op.end = match end {
                Some(Ok(answer)) => End::Answered(step, answer),
                Some(Err(())) => End::Nothing,
                None => End::Unknown,
            };
        }
    }

    const fn step(&mut self) -> usize {
        self.steps += 1;
        self.steps
    }

    /// Calls that were answered.
    pub(crate) fn answers(&self) -> Answers {
        let mut answers = Answers::new();
        for op in &self.ops {
            let End::Answered(_, answer) = &op.end else { continue };
            let answer = match answer {
                Answer::No(code) => code,
                Answer::Ticket => "ticket",
                _ => "ok",
            };
            *answers.entry((op.call.name(), answer)).or_default() += 1;
        }
        answers
    }

    /// Of two runs that were the same, this is the same.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
