//! The hands that take the actions on a real engine.

use std::sync::Arc;

use authcore::account::AccountId;
use authcore::lifecycle::{Amount, WithdrawalCause};
use authcore::session::SessionRef;
use authcore::store::{Lookup, Snapshot, Store};
use authcore::transfer::{Renewal, Transfer, TransferInfo};
use authcore::{
    Authenticated, BanRequest, Engine, Error, Link, LoggedIn, Login, Logout, Operator, Purchase,
    Refresh, Refusal, RequestContext, Secret, TokenPair, UnbanRequest, Unlink,
};
use authcore_testkit::Harness;
use chrono::{DateTime, TimeDelta, Utc};

use crate::action::{Action, BanLength, Device, Has, Outcome, There};
use crate::policy::{SECONDS, policy};

/// The tokens on a phone. They stay there when their session ends, so that they are tried again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct Tokens {
    /// The number of their session.
    pub session: usize,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The refresh token before it.
    pub former: Option<String>,
}

/// What a phone holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct Hand {
    /// The tokens of its latest login.
    pub tokens: Option<Tokens>,
    /// The secret of the forcing ticket that it got last.
    pub ticket: Option<String>,
}

/// The secrets of a transfer account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct Key {
    /// The id.
    pub id: String,
    /// The password.
    pub password: String,
}

/// All that the players and operators of the small game know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct Hands {
    /// What the phones hold.
    pub phones: [Hand; 2],
    /// The accounts, in the order in which they were made.
    pub accounts: Vec<AccountId>,
    /// The sessions, in the order in which they were opened.
    pub sessions: Vec<SessionRef>,
    /// The transfer secrets that were issued last.
    pub transfer: Option<Key>,
    /// How many purchases were reported: each has a name of its own.
    pub purchases: usize,
}

impl Hands {
    /// What there is for actions to be about.
    #[must_use]
    pub fn there(&self) -> There {
        let has = |phone: &Hand| Has {
            tokens: phone.tokens.is_some(),
            former: phone.tokens.as_ref().is_some_and(|tokens| tokens.former.is_some()),
            ticket: phone.ticket.is_some(),
        };
        There {
            phones: self.phones.each_ref().map(has),
            accounts: self.accounts.len(),
            transfer: self.transfer.is_some(),
        }
    }
}

/// An engine on a store, and who uses it.
#[derive(Debug)]
pub struct World {
    harness: Harness,
    operator: Operator,
    /// What everybody knows.
    pub hands: Hands,
}

impl World {
    /// A world on a store, with what its people know, and a seed for the engine's random bytes.
    pub async fn on(store: Arc<dyn Store>, seed: u64, hands: Hands) -> Self {
        let harness = Harness::seeded(seed, store, policy(), |builder| builder).await;
        Self { harness, operator: Operator::vouched_for("proof"), hands }
    }

    /// The time in it.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        authcore::Clock::now(self.harness.clock())
    }

    /// Sets its time.
    pub fn set(&self, now: DateTime<Utc>) {
        self.harness.clock().set(now);
    }

    /// What its store holds of an account.
    pub async fn kept(&self, account: usize) -> Snapshot {
        let lookup = Lookup::Id(self.hands.accounts[account]);
        self.harness.store().load(&lookup).await.unwrap().unwrap()
    }

    /// Takes an action.
    pub async fn act(&mut self, action: Action) -> Outcome {
        let done = match action {
            Action::Pass(seconds) => {
                self.harness.clock().advance(TimeDelta::seconds(seconds));
                return Ok(0);
            }
            Action::Ban(..)
            | Action::Unban(_)
            | Action::Refund(_)
            | Action::Pay(_)
            | Action::Remove(_)
            | Action::Restore(_)
            | Action::EndSessions(_)
            | Action::Move(..) => self.operate(action).await,
            _ => self.play(action).await,
        };
        match done {
            Ok(account) => {
                let known = self.hands.accounts.iter().position(|known| *known == account);
                Ok(known.unwrap_or_else(|| panic!("{action:?}: an account that nobody made")))
            }
            Err(Error::Refused(refusal)) => Err(refusal.code()),
            Err(fault) => panic!("{action:?}: {fault:?}"),
        }
    }

    /// What operators do.
    async fn operate(&mut self, action: Action) -> Result<AccountId, Error> {
        let (engine, operator) = (self.harness.engine(), &self.operator);
        let id = |account: usize| self.hands.accounts[account];
        match action {
            Action::Ban(account, length, replace) => {
                let end = self.now() + TimeDelta::seconds(SECONDS.ban);
                let request = match length {
                    BanLength::Day => BanRequest::until(end),
                    BanLength::Forever => BanRequest::permanent(),
                };
                let request = if replace { request.replacing() } else { request };
                Ok(engine.ban(operator, id(account), request).await?.id)
            }
            Action::Unban(account) => {
                Ok(engine.unban(operator, id(account), UnbanRequest::new()).await?.id)
            }
            Action::Remove(account) => {
                let cause = WithdrawalCause::Operator;
                engine.withdraw_account(operator, id(account), cause).await?;
                Ok(id(account))
            }
            Action::Restore(account) => Ok(engine.restore_pending(operator, id(account)).await?.id),
            Action::EndSessions(account) => {
                engine.end_sessions(operator, id(account)).await?;
                Ok(id(account))
            }
            Action::Move(login, account) => {
                Ok(engine.move_identity(operator, &login.key(), id(account)).await?.id)
            }
            Action::Refund(account) | Action::Pay(account) => {
                let name = format!("order-{}", self.hands.purchases);
                let purchase = Purchase::new(name, Amount::minor(100), "USD");
                let answer = if matches!(action, Action::Pay(_)) {
                    engine.record_payment(operator, id(account), purchase).await
                } else {
                    engine.record_refund(operator, id(account), purchase).await
                };
                self.hands.purchases += usize::from(answer.is_ok());
                Ok(answer?.id)
            }
            _ => panic!("not an operator's: {action:?}"),
        }
    }

    /// What players do.
    async fn play(&mut self, action: Action) -> Result<AccountId, Error> {
        match action {
            Action::Login(on, id) => {
                let login = Login::new(id.credential());
                let player = self.engine().login(&context(on), login).await?;
                Ok(self.entered(on, &player))
            }
            Action::Refresh(on) => {
                let token = self.tokens(on).refresh.clone();
                self.refresh(on, &token).await
            }
            Action::Replay(on) => {
                let token = self.tokens(on).former.clone().unwrap();
                self.refresh(on, &token).await
            }
            Action::Transfer(on, right) => {
                let Key { id, password } = self.hands.transfer.clone().unwrap();
                let password = if right { password } else { "000000000000".into() };
                let request = Transfer::new(on.guest().subject(), id).with_password(password);
                let player = self.engine().transfer(&context(on), None, request).await?;
                Ok(self.entered(on, &player))
            }
            Action::ChangeLogin(on) => {
                let who = self.who(on).await?;
                let ticket = self.ticket(on);
                let player = self.engine().change_login(&context(on), &who, &ticket).await?;
                Ok(self.entered(on, &player))
            }
            Action::Link(on, id) => {
                let who = self.who(on).await?;
                let link = Link::new(id.credential());
                let answer = self.engine().link(&context(on), &who, link).await;
                if let Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) =
                    &answer
                {
                    self.hands.phones[on.index()].ticket = Some(offer.secret.reveal().to_owned());
                }
                Ok(answer?.id)
            }
            Action::IssueTransfer(on) => {
                let who = self.who(on).await?;
                let info = self.engine().issue_transfer_account(&context(on), &who).await?;
                Ok(self.issued(&who, &info))
            }
            Action::RenewTransfer(on) => {
                let who = self.who(on).await?;
                let (context, both) = (context(on), Renewal::AutoIdAndPassword);
                let info = self.engine().renew_transfer_account(&context, &who, &both).await?;
                Ok(self.issued(&who, &info))
            }
            _ => self.play_on(action).await,
        }
    }

    /// What players do that gives them nothing to hold.
    async fn play_on(&mut self, action: Action) -> Result<AccountId, Error> {
        let (Action::Force(on)
        | Action::Unlink(on, _)
        | Action::Logout(on)
        | Action::LogoutEverywhere(on)
        | Action::Withdraw(on)
        | Action::RequestWithdrawal(on)
        | Action::CancelWithdrawal(on)) = action
        else {
            panic!("not a player's: {action:?}")
        };
        let (who, context) = (self.who(on).await?, context(on));
        let engine = self.engine();
        match action {
            Action::Force(_) => {
                engine.link_forcibly(&context, &who, &self.ticket(on)).await?;
            }
            Action::Unlink(_, id) => {
                let unlink = Unlink::exactly(id.provider(), id.subject());
                engine.unlink(&context, &who, unlink).await?;
            }
            Action::Logout(_) => engine.logout(&context, &who, Logout::ThisSession).await?,
            Action::LogoutEverywhere(_) => {
                engine.logout(&context, &who, Logout::Everywhere).await?;
            }
            Action::Withdraw(_) => engine.withdraw(&context, &who).await?,
            Action::RequestWithdrawal(_) => {
                engine.request_withdrawal(&context, &who).await?;
            }
            _ => {
                engine.cancel_withdrawal(&context, &who).await?;
            }
        }
        Ok(who.account())
    }

    const fn engine(&self) -> &Engine {
        self.harness.engine()
    }

    fn tokens(&self, on: Device) -> &Tokens {
        self.hands.phones[on.index()].tokens.as_ref().unwrap()
    }

    fn ticket(&self, on: Device) -> Secret {
        Secret::new(self.hands.phones[on.index()].ticket.clone().unwrap())
    }

    /// Who the phone is logged in as. As a client does, it refreshes first when its access token no longer counts.
    async fn who(&mut self, on: Device) -> Result<Authenticated, Error> {
        let answer = self.engine().verify(&self.tokens(on).access).await;
        let Err(Error::Refused(Refusal::AccessTokenInvalid)) = answer else { return answer };
        let token = self.tokens(on).refresh.clone();
        self.refresh(on, &token).await?;
        self.engine().verify(&self.tokens(on).access).await
    }

    async fn refresh(&mut self, on: Device, token: &str) -> Result<AccountId, Error> {
        let next = self.engine().refresh(&context(on), Refresh::new(token)).await?;
        let refresh = next.tokens.refresh.reveal();
        let tokens = self.hands.phones[on.index()].tokens.as_mut().unwrap();
        next.tokens.access.reveal().clone_into(&mut tokens.access);
        if tokens.refresh != refresh {
            let former = std::mem::replace(&mut tokens.refresh, refresh.to_owned());
            tokens.former = Some(former);
        }
        Ok(next.account.id)
    }

    /// A phone is in.
    fn entered(&mut self, on: Device, player: &LoggedIn) -> AccountId {
        let account = player.account.id;
        if player.created {
            self.hands.accounts.push(account);
        }
        let TokenPair { access, refresh, .. } = &player.tokens;
        self.hands.phones[on.index()].tokens = Some(Tokens {
            session: self.hands.sessions.len(),
            access: access.reveal().to_owned(),
            refresh: refresh.reveal().to_owned(),
            former: None,
        });
        self.hands.sessions.push(SessionRef { account, session: player.session.id });
        account
    }

    fn issued(&mut self, who: &Authenticated, info: &TransferInfo) -> AccountId {
        let reveal = |secret: &Option<Secret>| secret.as_ref().unwrap().reveal().to_owned();
        self.hands.transfer = Some(Key { id: reveal(&info.id), password: reveal(&info.password) });
        who.account()
    }
}

/// What a phone's client says of itself.
fn context(on: Device) -> RequestContext {
    let mut context = RequestContext::new();
    context.device_id = Some(on.name().to_owned());
    context
}
