//! The engine on the store: what a player or an operator was told holds, however calls fall between each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authcore::account::{Account, ProviderId};
use authcore::store::{Lookup, Store as _};
use authcore::{
    Authenticated, BanRequest, Credential, Error, Link, LoggedIn, Logout, Operator, Policy,
    Refresh, Refusal, RequestContext, Secret, Unlink,
};
use authcore_store_memory::MemoryStore;
use authcore_testkit::{Harness, guest, run};
use chrono::TimeDelta;
use shuttle::rand::{RngCore as _, thread_rng};
use shuttle::thread;

fn world(policy: Policy) -> Harness {
    world_on(Arc::new(MemoryStore::new()), policy)
}

/// With other ids in each schedule, so that they are in other shards.
fn world_on(store: Arc<MemoryStore>, policy: Policy) -> Harness {
    run(Harness::seeded(thread_rng().next_u64(), store, policy, |builder| builder))
}

fn context() -> RequestContext {
    RequestContext::new()
}

fn is_over(world: &Harness, player: &LoggedIn) -> bool {
    let refresh = Refresh::new(player.tokens.refresh.reveal());
    world.verify(player).is_err() && run(world.engine().refresh(&context(), refresh)).is_err()
}

/// One account, one creation, and nobody is refused.
pub(crate) fn first_logins_race() {
    let world = world(Policy::nakama());
    let players = thread::scope(|scope| {
        let logins = [(); 2].map(|()| scope.spawn(|| world.login(guest("ann")).unwrap()));
        logins.map(|login| login.join().unwrap())
    });
    assert_eq!(players[0].account.id, players[1].account.id);
    assert_eq!(players.iter().filter(|player| player.created).count(), 1);
    assert!(players.iter().all(|player| world.verify(player).is_ok()));
}

/// No session outlives a ban, and no login is written after it.
pub(crate) fn a_login_races_a_ban() {
    let store = Arc::new(MemoryStore::new());
    let world = world_on(Arc::clone(&store), Policy::nakama());
    let player = world.guest("ann");
    let count = || {
        let found = run(store.load(&Lookup::Id(player.account.id))).unwrap();
        found.unwrap().activity.login_count
    };
    let banned = AtomicBool::new(false);
    let (counted, logins) = thread::scope(|scope| {
        let counted = scope.spawn(|| {
            let (operator, ban) = (Operator::vouched_for("test"), BanRequest::permanent());
            run(world.engine().ban(&operator, player.account.id, ban)).unwrap();
            banned.store(true, Ordering::SeqCst);
            count()
        });
        let logins = [(); 2].map(|()| {
            scope.spawn(|| {
                let was_banned = banned.load(Ordering::SeqCst);
                match world.login(guest("ann")) {
                    Ok(player) if !was_banned => Some(player),
                    Err(Error::Refused(Refusal::Banned(_))) => None,
                    other => panic!("banned before: {was_banned}, and now {other:?}"),
                }
            })
        });
        (counted.join().unwrap(), logins.map(|login| login.join().unwrap()))
    });
    assert_eq!(count(), counted, "a login after the ban");
    for player in logins.iter().flatten().chain([&player]) {
        assert!(is_over(&world, player), "a session outlives the ban");
    }
}

/// When a logout is answered, no token of the session is good: not the old ones, nor those that a refresh beside it gave.
pub(crate) fn a_logout_races_a_refresh_and_checks() {
    let world = world(Policy::nakama());
    let player = world.guest("ann");
    // Past the time in which a refresh token stays as it is.
    world.clock().advance(TimeDelta::seconds(11));
    let who = world.verify(&player).unwrap();
    let ended = AtomicBool::new(false);
    let refreshed = thread::scope(|scope| {
        scope.spawn(|| {
            run(world.engine().logout(&context(), &who, Logout::ThisSession)).unwrap();
            ended.store(true, Ordering::SeqCst);
        });
        let refresh = scope.spawn(|| {
            let had_ended = ended.load(Ordering::SeqCst);
            let refresh = Refresh::new(player.tokens.refresh.reveal());
            let refreshed = run(world.engine().refresh(&context(), refresh));
            assert!(!(had_ended && refreshed.is_ok()), "refreshed after the logout");
            refreshed.ok()
        });
        for _ in 0..2 {
            let had_ended = ended.load(Ordering::SeqCst);
            assert!(!(had_ended && world.verify(&player).is_ok()), "good after the logout");
        }
        refresh.join().unwrap()
    });
    assert!(is_over(&world, &player), "the session goes on");
    if let Some(refreshed) = refreshed {
        let access = run(world.engine().verify(refreshed.tokens.access.reveal()));
        let refresh = Refresh::new(refreshed.tokens.refresh.reveal());
        let refresh = run(world.engine().refresh(&context(), refresh));
        assert!(access.is_err() && refresh.is_err(), "the refreshed session goes on");
    }
}

/// What a session asks for is done before its logout is answered, or not at all.
pub(crate) fn a_logout_races_a_link() {
    let world = world(Policy::nakama());
    let [player, other] = [(); 2].map(|()| world.guest("ann"));
    let [who, watcher] = [&player, &other].map(|player| world.verify(player).unwrap());
    let (seen, linked) = thread::scope(|scope| {
        let seen = scope.spawn(|| {
            run(world.engine().logout(&context(), &who, Logout::ThisSession)).unwrap();
            run(world.engine().account(&context(), &watcher)).unwrap().identities.len()
        });
        let linked = scope.spawn(|| link(&world, &who));
        (seen.join().unwrap(), linked.join().unwrap())
    });
    match linked {
        Ok(_) => assert_eq!(seen, 2, "linked after the logout"),
        Err(error) => assert_eq!(error.refusal(), Some(&Refusal::AccessTokenInvalid)),
    }
}

/// Bob has a login besides his own, and Ann, who proves the same one, a ticket for it.
struct Contest {
    world: Harness,
    bob: LoggedIn,
    ann: Authenticated,
    ticket: Secret,
}

impl Contest {
    fn new() -> Self {
        let world = world(Policy::recommended());
        let bob = world.login(Credential::Device("the-device-of-bob".into())).unwrap();
        world.link(&bob, shared()).unwrap();
        let player = world.login(Credential::Device("the-device-of-ann".into())).unwrap();
        let ann = world.verify(&player).unwrap();
        let ticket = offered(&link(&world, &ann)).unwrap();
        Self { world, bob, ann, ticket }
    }

    fn link(&self) -> Result<Account, Error> {
        link(&self.world, &self.ann)
    }

    fn force(&self) -> Result<Account, Error> {
        run(self.world.engine().link_forcibly(&context(), &self.ann, &self.ticket))
    }
}

fn shared() -> Credential {
    Credential::Custom("the-custom-id".into())
}

fn link(world: &Harness, who: &Authenticated) -> Result<Account, Error> {
    run(world.engine().link(&context(), who, Link::new(shared())))
}

/// The ticket that a link was refused with.
fn offered(answer: &Result<Account, Error>) -> Option<Secret> {
    match answer {
        Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) => {
            Some(offer.secret.clone())
        }
        _ => None,
    }
}

/// Who links what a forced link gives the account beside it has it by then, or had not yet: a ticket for it takes the
/// place of the one that the forced link comes with.
pub(crate) fn a_link_races_a_forced_link() {
    let contest = Contest::new();
    let (forced, linked) = thread::scope(|scope| {
        let forced = scope.spawn(|| contest.force());
        let linked = scope.spawn(|| contest.link());
        (forced.join().unwrap(), linked.join().unwrap())
    });
    assert_ne!(linked.is_ok(), offered(&linked).is_some(), "{linked:?}");
    assert_eq!(forced.is_ok(), linked.is_ok(), "a ticket for what is the player's own: {forced:?}");
}

/// Whose ticket is still there after a ban of the owner gets no other one by a link beside the ban.
pub(crate) fn a_link_races_a_ban_of_the_owner() {
    let contest = Contest::new();
    let (forced, linked) = thread::scope(|scope| {
        let forced = scope.spawn(|| {
            let (operator, ban) = (Operator::vouched_for("test"), BanRequest::permanent());
            run(contest.world.engine().ban(&operator, contest.bob.account.id, ban)).unwrap();
            contest.force()
        });
        let linked = scope.spawn(|| contest.link());
        (forced.join().unwrap(), linked.join().unwrap())
    });
    match offered(&linked) {
        Some(_) => assert_eq!(forced.unwrap_err().refusal(), Some(&Refusal::TicketUnknown)),
        None => {
            for answer in [forced, linked] {
                assert!(matches!(answer, Err(Error::Refused(Refusal::Banned(_)))), "{answer:?}");
            }
        }
    }
}

/// One of two logins stays, whatever is taken away beside each other.
pub(crate) fn unlinks_race() {
    let world = world(Policy::nakama());
    let player = world.login(Credential::Device("the-device".into())).unwrap();
    world.link(&player, Credential::Custom("the-custom-id".into())).unwrap();
    let who = world.verify(&player).unwrap();
    let unlink = |unlink| run(world.engine().unlink(&context(), &who, unlink));
    let answers = thread::scope(|scope| {
        let device = scope.spawn(|| unlink(Unlink::exactly(ProviderId::DEVICE, "the-device")));
        let custom = scope.spawn(|| unlink(Unlink::any(ProviderId::CUSTOM)));
        [device.join().unwrap(), custom.join().unwrap()]
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let account = run(world.engine().account(&context(), &who)).unwrap();
    assert_eq!(account.identities.len(), 1);
}
