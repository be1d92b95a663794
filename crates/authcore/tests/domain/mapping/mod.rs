//! Which logins belong together.

mod change_login;
mod forced_link;
mod former;
mod guests;
mod link;
mod merge;
mod merge_sides;
mod races;
mod register;
mod tickets;
mod unlink;

use authcore::account::{Account, AccountId, CommitId, IdentityKey, ProviderId};
use authcore::event::{EventCursor, EventKind};
use authcore::lifecycle::{Amount, BanPeriod, BanState, GraceBan, ReleaseRule, Withdrawal};
use authcore::mapping::TicketOffer;
use authcore::store::{ChangeSet, Lookup, Snapshot, Write};
use authcore::{Authenticated, BanRequest, Clock, Credential, Engine, Link, LoggedIn, Refusal};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use super::{context, log_in, operator, refusal, who};

fn custom(id: &str) -> Credential {
    Credential::Custom(id.into())
}

fn device(id: &str) -> Credential {
    Credential::Device(id.into())
}

fn email(address: &str, password: &str) -> Credential {
    Credential::Email { email: address.into(), password: password.into() }
}

fn provider(name: &str) -> ProviderId {
    ProviderId::new(name).unwrap()
}

fn key(name: &str, subject: &str) -> IdentityKey {
    IdentityKey::new(provider(name), subject)
}

/// A player who is logged in.
struct Player {
    login: LoggedIn,
    who: Authenticated,
}

impl Player {
    fn id(&self) -> AccountId {
        self.login.account.id
    }
}

async fn player(engine: &Engine, credential: Credential) -> Player {
    let login = log_in(engine, credential).await;
    let who = who(engine, &login).await;
    Player { login, who }
}

async fn link(engine: &Engine, player: &Player, credential: Credential) -> Account {
    engine.link(&context(), &player.who, Link::new(credential)).await.unwrap()
}

async fn refused_link(engine: &Engine, player: &Player, credential: Credential) -> Refusal {
    refusal(engine.link(&context(), &player.who, Link::new(credential)).await)
}

/// The ticket of a link that is refused for another owner.
async fn ticket(engine: &Engine, player: &Player, credential: Credential) -> TicketOffer {
    match refused_link(engine, player, credential).await {
        Refusal::IdentityTaken { ticket: Some(offer), .. } => *offer,
        other => panic!("expected a ticket, got {other:?}"),
    }
}

/// Whether a session still counts.
async fn alive(engine: &Engine, login: &LoggedIn) -> bool {
    engine.verify(login.tokens.access.reveal()).await.is_ok()
}

async fn snapshot(world: &Harness, id: AccountId) -> Option<Snapshot> {
    world.store().load(&Lookup::Id(id)).await.unwrap()
}

async fn account(world: &Harness, id: AccountId) -> Account {
    snapshot(world, id).await.unwrap().account
}

/// The providers of an account's identities.
fn kinds(account: &Account) -> Vec<&str> {
    account.identities.iter().map(|identity| identity.key.provider().as_str()).collect()
}

/// Writes an account past the engine's rules.
async fn edit(world: &Harness, id: AccountId, change: impl FnOnce(&mut Account)) {
    let Snapshot { mut account, version, .. } = snapshot(world, id).await.unwrap();
    change(&mut account);
    let write = Write::UpdateAccount { account: Box::new(account), expect: version };
    let commit = CommitId::new([version.number().to_le_bytes()[0]; 16]);
    let set = ChangeSet { id: commit, require: vec![], writes: vec![write], events: vec![] };
    world.store().commit(&set).await.unwrap();
}

/// Gives an account the standing `T`: it is withdrawn in a week.
async fn request_withdrawal(world: &Harness, id: AccountId) {
    let since = world.clock().now();
    let pending = Withdrawal::Pending { since, due: since + TimeDelta::days(7) };
    edit(world, id, |account| account.withdrawal = pending).await;
}

/// Gives an account the standing `P`.
async fn grace_ban(world: &Harness, id: AccountId) {
    let since = world.clock().now();
    let grace = GraceBan {
        since,
        deadline: since + TimeDelta::days(7),
        message: "pay".into(),
        rule: ReleaseRule::Amount { amount: Amount::minor(500) },
        currency: "EUR".into(),
        payments: vec![],
        then: BanPeriod::Permanent,
        template: None,
    };
    edit(world, id, |account| account.ban = BanState::Grace(grace.into())).await;
}

async fn ban(world: &Harness, id: AccountId) {
    let ban = BanRequest::permanent().with_message("cheating");
    world.engine().ban(&operator(), id, ban).await.unwrap();
}

/// What happened to an account, oldest first.
async fn events(world: &Harness, id: AccountId) -> Vec<EventKind> {
    let all = world.engine().events(&operator(), EventCursor::START, 1000).await.unwrap();
    let own = all.into_iter().filter(|stored| stored.event.account == id);
    own.map(|stored| stored.event.kind).collect()
}
