//! A client: it plays some players at once, and now and then an operator.

use std::cell::RefCell;
use std::collections::BTreeMap;

use authcore::account::AccountId;
use authcore::session::{SessionRef, TokenPair};
use authcore::store::StoreErrorKind;
use authcore::transfer::Transfer;
use authcore::{
    Authenticated, BanRequest, Clock as _, Engine, Error, Fault, Link, LoggedIn, Login, Logout,
    Operator, Refresh, Refusal, RequestContext, Secret, UnbanRequest, Unlink,
};
use authcore_testkit::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};

use crate::draw::Draw;
use crate::faults::Network;
use crate::history::{Answer, Call, History, Key, Kind};

/// Tokens that a client got.
#[derive(Clone, Debug)]
struct Pass {
    who: SessionRef,
    access: Secret,
    access_until: DateTime<Utc>,
    refresh: Secret,
    refresh_until: DateTime<Utc>,
    generation: u32,
}

impl Memory {
    /// Of a client that has so many turns.
    pub(crate) fn new(left: u32) -> Self {
        Self { left, ..Self::default() }
    }
}

impl Pass {
    fn new(who: SessionRef, tokens: &TokenPair, generation: u32) -> Self {
        Self {
            who,
            access: tokens.access.clone(),
            access_until: tokens.access_expires_at,
            refresh: tokens.refresh.clone(),
            refresh_until: tokens.refresh_expires_at,
            generation,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.refresh.reveal() == other.refresh.reveal()
    }
}

/// What a client remembers, also when the process that it talked to has died.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// How many turns it still has.
    left: u32,
    passes: Vec<Pass>,
    /// Tickets: whose, from which link.
    tickets: Vec<(AccountId, usize, Secret)>,
    /// The call under way.
    under_way: Option<usize>,
}

/// What all clients tell each other.
#[derive(Debug, Default)]
pub(crate) struct Rumours {
    pub(crate) accounts: Vec<AccountId>,
    /// The secrets of transfer accounts, and the number of the issue that told them.
    transfers: Vec<(usize, Secret, Secret)>,
    /// The successor of each refresh token that has rotated.
    successors: BTreeMap<String, String>,
    pub(crate) violations: Vec<String>,
}

/// A call that was noted, and its number.
struct Ended<T> {
    number: usize,
    result: Result<T, Error>,
}

/// What a client's calls go through.
pub(crate) struct Client<'a> {
    pub(crate) number: usize,
    pub(crate) engine: &'a Engine,
    pub(crate) clock: &'a ManualClock,
    pub(crate) network: &'a Network,
    pub(crate) history: &'a RefCell<History>,
    pub(crate) rumours: &'a RefCell<Rumours>,
    pub(crate) memory: &'a RefCell<Memory>,
    pub(crate) draw: &'a RefCell<Draw>,
}

/// All logins that anybody uses: few, so that clients meet.
const KEYS: [(Kind, usize); 5] =
    [(Kind::Device, 3), (Kind::Guest, 3), (Kind::Custom, 2), (Kind::Portal, 3), (Kind::Email, 2)];

/// Those that can be linked to an account.
const LINKABLE: [(Kind, usize); 4] =
    [(Kind::Device, 3), (Kind::Custom, 2), (Kind::Portal, 3), (Kind::Email, 2)];

fn draw_key(draw: &mut Draw, kinds: &[(Kind, usize)]) -> Key {
    let (kind, count) = draw.one_of(kinds).copied().unwrap_or((Kind::Device, 1));
    Key { kind, number: u8::try_from(draw.below(count)).unwrap_or_default() }
}

/// One of two passwords, for a login that takes one.
fn draw_password(draw: &mut Draw, key: Key) -> Option<u8> {
    (key.kind == Kind::Email).then(|| u8::from(draw.happens(500)))
}

/// A call's outcome as the history has it: refusals are answers; of the faults that the network makes, only an unknown fate
/// may have done something. It makes no others.
fn answer_of<T>(
    result: &Result<T, Error>,
    answer: impl FnOnce(&T) -> Answer,
) -> Option<Result<Answer, ()>> {
    match result {
        Ok(value) => Some(Ok(answer(value))),
        Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(_), .. })) => {
            Some(Ok(Answer::Ticket))
        }
        Err(Error::Refused(refusal)) => Some(Ok(Answer::No(refusal.code()))),
        Err(Error::Fault(Fault::Store(error))) if *error.kind() == StoreErrorKind::FateUnknown => {
            None
        }
        Err(_) => Some(Err(())),
    }
}

/// A fault that the network does not make.
fn strange<T>(result: &Result<T, Error>) -> Option<String> {
    match result {
        Err(Error::Fault(Fault::Store(error)))
            if matches!(
                error.kind(),
                StoreErrorKind::Unavailable | StoreErrorKind::FateUnknown
            ) =>
        {
            None
        }
        Err(Error::Fault(fault)) => Some(format!("a fault that nobody made: {fault:?}")),
        _ => None,
    }
}

fn keys_of(account: &authcore::account::Account) -> Answer {
    Answer::Keys(account.identities.iter().map(|identity| Key::of(&identity.key)).collect())
}

fn who_is(player: &LoggedIn) -> SessionRef {
    SessionRef { account: player.account.id, session: player.session.id }
}

impl Client<'_> {
    /// Takes the turns that are left.
    pub(crate) async fn play(&self) {
        while self.memory.borrow().left > 0 {
            self.memory.borrow_mut().left -= 1;
            self.act().await;
        }
    }

    /// Ends the call that was under way when the process died.
    pub(crate) fn hang_up(&self) {
        if let Some(number) = self.memory.borrow_mut().under_way.take() {
            let ids = self.network.proposed(self.number);
            self.history.borrow_mut().end(number, ids, None);
        }
    }

    fn chance(&self, of_1000: u64) -> bool {
        self.draw.borrow_mut().happens(of_1000)
    }

    /// Makes a call, and notes it.
    async fn call<T>(
        &self,
        call: Call,
        made: impl Future<Output = Result<T, Error>>,
        answer: impl FnOnce(&T) -> Answer,
    ) -> Ended<T> {
        self.network.count(|counts| counts.calls += 1);
        self.network.proposed(self.number);
        let number = self.history.borrow_mut().begin(self.number, call, self.clock.now());
        self.memory.borrow_mut().under_way = Some(number);
        let result = made.await;
        self.memory.borrow_mut().under_way = None;
        self.rumours.borrow_mut().violations.extend(strange(&result));
        let ids = self.network.proposed(self.number);
        self.history.borrow_mut().end(number, ids, answer_of(&result, answer));
        Ended { number, result }
    }

    async fn act(&self) {
        let what = self.draw.borrow_mut().below(100);
        let pass = self.draw.borrow_mut().one_of(&self.memory.borrow().passes).cloned();
        match (what, pass) {
            (0..14, _) | (_, None) => self.log_in().await,
            (14..20, _) => self.transfer().await,
            (20..28, _) => self.operate().await,
            (28..44, Some(pass)) => self.refresh(pass).await,
            (_, Some(pass)) => {
                let until = pass.access_until;
                let call = Call::Verify { who: pass.who, until };
                let verify = self.engine.verify(pass.access.reveal());
                if let Ok(who) = self.call(call, verify, |_| Answer::Done).await.result {
                    self.act_as(pass.who, who, what).await;
                }
            }
        }
    }

    async fn act_as(&self, who: SessionRef, proof: Authenticated, what: usize) {
        match what {
            44..50 => {}
            50..64 => self.link(who, proof).await,
            64..72 => self.force(who, proof).await,
            72..82 => self.unlink(who, proof).await,
            82..88 => self.issue(who, proof).await,
            88..93 => self.log_out(Call::Logout(who), proof, Logout::ThisSession).await,
            93..96 => self.log_out(Call::LogoutEverywhere(who), proof, Logout::Everywhere).await,
            _ => {
                let context = RequestContext::new();
                let withdrawal = self.engine.withdraw(&context, &proof);
                self.call(Call::Withdraw(who), withdrawal, |()| Answer::Done).await;
            }
        }
    }

    fn enters(&self, player: &LoggedIn) {
        let pass = Pass::new(who_is(player), &player.tokens, 0);
        self.memory.borrow_mut().passes.push(pass);
        let mut rumours = self.rumours.borrow_mut();
        if !rumours.accounts.contains(&player.account.id) {
            rumours.accounts.push(player.account.id);
        }
    }

    async fn log_in(&self) {
        let key = draw_key(&mut self.draw.borrow_mut(), &KEYS);
        let password = draw_password(&mut self.draw.borrow_mut(), key);
        let context = RequestContext::new();
        let login = self.engine.login(&context, Login::new(key.credential(password)));
        let Ended { result, .. } = self
            .call(Call::Login { key, password }, login, |player| Answer::In {
                who: who_is(player),
                created: player.created,
                logins: player.login_count,
            })
            .await;
        if let Ok(player) = result {
            self.enters(&player);
        }
    }

    async fn refresh(&self, pass: Pass) {
        let context = RequestContext::new();
        let refresh = self.engine.refresh(&context, Refresh::new(pass.refresh.clone()));
        let (who, generation, until) = (pass.who, pass.generation, pass.refresh_until);
        let call = Call::Refresh { who, generation, until };
        let Ended { result, .. } =
            self.call(call, refresh, |next| Answer::Generation(next.session.generation)).await;
        let Ok(next) = result else { return };
        let successor = Pass::new(who, &next.tokens, next.session.generation);
        if successor.generation != generation {
            let tokens = (pass.refresh.reveal().to_owned(), successor.refresh.reveal().to_owned());
            let rumours = &mut *self.rumours.borrow_mut();
            let first = rumours.successors.entry(tokens.0).or_insert_with(|| tokens.1.clone());
            if *first != tokens.1 {
                rumours.violations.push("a refresh token has two successors".to_owned());
            }
        }
        // Some clients keep the former token, and use it again.
        let mut memory = self.memory.borrow_mut();
        if !self.chance(250)
            && let Some(kept) = memory.passes.iter_mut().find(|kept| kept.is(&pass))
        {
            *kept = successor;
        } else {
            memory.passes.push(successor);
        }
    }

    async fn log_out(&self, call: Call, who: Authenticated, logout: Logout) {
        let context = RequestContext::new();
        self.call(call, self.engine.logout(&context, &who, logout), |()| Answer::Done).await;
    }

    async fn link(&self, who: SessionRef, proof: Authenticated) {
        let key = draw_key(&mut self.draw.borrow_mut(), &LINKABLE);
        let password = draw_password(&mut self.draw.borrow_mut(), key);
        let context = RequestContext::new();
        let link = self.engine.link(&context, &proof, Link::new(key.credential(password)));
        let call = Call::Link { who, key, password };
        let Ended { number, result } = self.call(call, link, keys_of).await;
        if let Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) = result {
            self.memory.borrow_mut().tickets.push((who.account, number, offer.secret));
        }
    }

    async fn force(&self, who: SessionRef, proof: Authenticated) {
        let own: Vec<_> = {
            let memory = self.memory.borrow();
            memory.tickets.iter().filter(|it| it.0 == who.account).cloned().collect()
        };
        let ticket = self.draw.borrow_mut().one_of(&own).cloned();
        let Some((_, link, secret)) = ticket else { return self.link(who, proof).await };
        let context = RequestContext::new();
        let forced = self.engine.link_forcibly(&context, &proof, &secret);
        self.call(Call::ForcedLink { who, link }, forced, keys_of).await;
    }

    async fn unlink(&self, who: SessionRef, proof: Authenticated) {
        let key = draw_key(&mut self.draw.borrow_mut(), &KEYS);
        let context = RequestContext::new();
        let unlink = Unlink::exactly(key.provider(), key.text());
        let unlink = self.engine.unlink(&context, &proof, unlink);
        self.call(Call::Unlink { who, key }, unlink, keys_of).await;
    }

    async fn issue(&self, who: SessionRef, proof: Authenticated) {
        let context = RequestContext::new();
        let issue = self.engine.issue_transfer_account(&context, &proof);
        let Ended { number, result } =
            self.call(Call::IssueTransfer(who), issue, |_| Answer::Done).await;
        if let Ok(info) = result
            && let (Some(id), Some(password)) = (info.id, info.password)
        {
            self.rumours.borrow_mut().transfers.push((number, id, password));
        }
    }

    async fn transfer(&self) {
        let told = self.draw.borrow_mut().one_of(&self.rumours.borrow().transfers).cloned();
        let Some((issue, id, password)) = told else { return self.log_in().await };
        let to = draw_key(&mut self.draw.borrow_mut(), &[(Kind::Guest, 3)]);
        let request = Transfer::new(to.text(), id).with_password(password);
        let context = RequestContext::new();
        let transfer = self.engine.transfer(&context, None, request);
        let Ended { result, .. } = self
            .call(Call::Transfer { to, issue }, transfer, |player| Answer::In {
                who: who_is(player),
                created: false,
                logins: player.login_count,
            })
            .await;
        if let Ok(player) = result {
            self.enters(&player);
        }
    }

    async fn operate(&self) {
        let account = self.draw.borrow_mut().one_of(&self.rumours.borrow().accounts).copied();
        let Some(account) = account else { return self.log_in().await };
        let operator = Operator::vouched_for("operator");
        if self.chance(500) {
            let unban = self.engine.unban(&operator, account, UnbanRequest::new());
            self.call(Call::Unban(account), unban, |_| Answer::Done).await;
            return;
        }
        let minutes = self.draw.borrow_mut().within(1..30);
        let until = self.chance(600).then(|| self.clock.now() + TimeDelta::minutes(minutes));
        let request = until.map_or_else(BanRequest::permanent, BanRequest::until);
        let ban = self.engine.ban(&operator, account, request);
        self.call(Call::Ban { account, until }, ban, |_| Answer::Done).await;
    }
}
