//! The rules that no step may break.

use std::collections::BTreeSet;

use authcore::account::ProviderId;

use crate::ledger::{Leaving, Page, Sentence};
use crate::room::Room;
use crate::state::State;

/// A rule that is about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    EnteredWhileBanned,
    EnteredWhatIsGone,
    WrongAccount,
    BannedTwice,
    WronglyLifted,
    WronglyKept,
    AskedTwice,
    TicketUsedTwice,
    TransferUsedTwice,
    EndedSessionObeyed,
    FormerTokenAccepted,
    RefusalChanged,
}

type Rule = fn(&Room, &State) -> bool;

pub(crate) const RULES: &[(&str, Rule)] = &[
    ("a login has one owner", |_, state| {
        let all: Vec<_> = state.views.iter().flat_map(|view| &view.ids).collect();
        all.iter().collect::<BTreeSet<_>>().len() == all.len()
    }),
    ("a live account has a login", |_, state| {
        each(state, |page, standing, ids| match standing {
            'D' => ids == 0,
            'M' => ids == 0 && page.lost,
            _ => ids > 0,
        })
    }),
    ("a guest key stands alone, and there is one login of a kind", |_, state| {
        state.kept.iter().all(|kept| {
            let identities = &kept.account.identities;
            let of = |kind: &ProviderId| kept.account.identities_of(kind).count();
            of(&ProviderId::CUSTOM) <= 1 && (of(&ProviderId::GUEST) == 0 || identities.len() == 1)
        })
    }),
    ("nobody enters while banned", |_, state| state.broken != Some(Broken::EnteredWhileBanned)),
    ("a ban holds until its end", |_, state| {
        each(state, |page, standing, _| !page.is_banned() || matches!(standing, 'B' | 'D' | 'M'))
    }),
    ("a permanent ban never lapses", |_, state| {
        each(state, |page, standing, _| {
            page.sentence != Sentence::Forever || matches!(standing, 'B' | 'D' | 'M')
        })
    }),
    ("nobody is banned without a ban", |_, state| {
        each(state, |page, standing, _| standing != 'B' || page.is_banned())
    }),
    ("a ban takes the place of another only where that is asked for", |_, state| {
        state.broken != Some(Broken::BannedTwice)
    }),
    ("a payment lifts a suspension and no ban, an operator a ban and no suspension", |_, state| {
        state.broken != Some(Broken::WronglyLifted)
    }),
    ("a ticket is used once", |_, state| state.broken != Some(Broken::TicketUsedTwice)),
    ("a transfer account is used once", |_, state| state.broken != Some(Broken::TransferUsedTwice)),
    ("a withdrawn account stays withdrawn", |_, state| {
        each(state, |page, standing, _| (page.leaving == Leaving::Gone) == (standing == 'D'))
    }),
    ("nobody enters what is gone", |_, state| state.broken != Some(Broken::EnteredWhatIsGone)),
    ("a login opens its owner's account, or a new one", |_, state| {
        state.broken != Some(Broken::WrongAccount)
    }),
    ("a request to leave is kept until its date", |_, state| {
        each(state, |page, standing, _| {
            !matches!(page.leaving, Leaving::At(_)) || matches!(standing, 'T' | 'P' | 'B' | 'M')
        })
    }),
    ("a request to leave is made once", |_, state| state.broken != Some(Broken::AskedTwice)),
    ("only a request to leave is taken back", |_, state| state.broken != Some(Broken::WronglyKept)),
    ("a session that was ended stays over", |_, state| {
        state.views.iter().all(|view| view.alive.is_disjoint(&state.ledger.ended))
    }),
    ("the tokens of a session that was ended are good for nothing", |_, state| {
        state.broken != Some(Broken::EndedSessionObeyed)
    }),
    ("who may not play has no session", |_, state| {
        let out = |standing| matches!(standing, 'B' | 'D' | 'M');
        state.views.iter().all(|view| !out(view.standing) || view.alive.is_empty())
    }),
    ("no session outlives the login that opened it", |_, state| {
        state.kept.iter().enumerate().all(|(number, kept)| {
            let Some(account) = state.settled(number) else { return false };
            let store = authcore::account::Epoch::FIRST;
            let mut sessions = kept.activity.sessions.iter();
            sessions.all(|session| {
                let is_there = |identity: &authcore::account::Identity| {
                    Some(identity.ordinal) == session.identity
                };
                !session.is_alive(account.epoch, store, state.now)
                    || account.identities.iter().any(is_there)
            })
        })
    }),
    ("a former refresh token gets nothing", |_, state| {
        state.broken != Some(Broken::FormerTokenAccepted)
    }),
    ("a refusal changes no account", |_, state| state.broken != Some(Broken::RefusalChanged)),
];

/// Whether something holds for each account, given its page, its standing and how many logins it has.
fn each(state: &State, holds: impl Fn(&Page, char, usize) -> bool) -> bool {
    let pages = state.ledger.pages.iter().zip(&state.views);
    state.ledger.pages.len() == state.views.len()
        && pages.into_iter().all(|(page, view)| holds(page, view.standing, view.ids.len()))
}
