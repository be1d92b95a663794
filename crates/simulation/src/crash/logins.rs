//! Logins, sessions, and the logins of an account.

use authcore::account::ProviderId;
use authcore::{
    Error, Link, LoggedIn, Login, Logout, Merge, Policy, Refresh, Refusal, Resume, Secret, Unlink,
};
use chrono::TimeDelta;

use super::{
    Exams, Operation, Player, World, context, custom, device, google, guest, logins_of, told,
};

pub(super) fn examine(exams: &mut Exams) {
    log_in(exams);
    sessions(exams);
    links(exams);
    tickets(exams);
    merge(exams);
}

fn entered(result: Result<LoggedIn, Error>) -> String {
    told(result, |player| {
        let made = if player.created { "made" } else { "entered" };
        format!("{made}, login {} of {}", player.login_count, logins_of(&player.account))
    })
}

fn log_in(exams: &mut Exams) {
    let policy = Policy { login_events: true, ..Policy::recommended() };
    exams.of(
        Operation::new("login", "makes an account", "entered, login 2 of 1 logins").repeating(),
        &policy,
        async |_| (),
        async |world, ()| entered(world.engine.login(&context(), Login::new(device("ann"))).await),
    );
    exams.of(
        Operation::new("login", "enters an account", "entered, login 3 of 1 logins").repeating(),
        &policy,
        async |world| world.player(device("ann")).await,
        async |world, _| entered(world.engine.login(&context(), Login::new(device("ann"))).await),
    );
    let email = || authcore::Credential::Email {
        email: "ann@example.com".into(),
        password: "a long password of ann".into(),
    };
    exams.of(
        Operation::new("login", "with a password", "entered, login 3 of 1 logins").repeating(),
        &policy,
        async |world| world.player(email()).await,
        async move |world, _| entered(world.engine.login(&context(), Login::new(email())).await),
    );
    let follows = Policy { device_needs_account: false, ..Policy::braincloud() };
    exams.of(
        Operation::new("login", "takes the device from another", "entered, login 3 of 2 logins")
            .repeating(),
        &follows,
        async |world| {
            world.player_with(device("phone"), custom("bob")).await;
            world.player(google("ann")).await
        },
        async |world, _| {
            let login = Login::new(google("ann")).with_device_link("device-id-of-phone");
            entered(world.engine.login(&context(), login).await)
        },
    );
    exams.of(
        Operation::of_each(
            "login",
            "in the place of one that time has withdrawn",
            "entered, login 2 of 1 logins",
        )
        .repeating(),
        &Policy { login_events: true, ..Policy::gamebase() },
        async |world| {
            let player = world.player(google("ann")).await;
            world.engine.request_withdrawal(&context(), &player.who).await.expect("a request");
            world.clock.advance(TimeDelta::days(8));
        },
        async |world, ()| entered(world.engine.login(&context(), Login::new(google("ann"))).await),
    );
}

fn sessions(exams: &mut Exams) {
    let policy = Policy::recommended();
    let later = async |world: &World| {
        let player = world.player(device("ann")).await;
        world.clock.advance(TimeDelta::minutes(1));
        player
    };
    let refresh = async |world: &World, player: &Player| {
        let token = Refresh::new(player.login.tokens.refresh.reveal());
        let next = world.engine.refresh(&context(), token).await;
        told(next, |next| format!("generation {}", next.session.generation))
    };
    exams.of(Operation::new("refresh", "rotates", "generation 1"), &policy, later, refresh);
    exams.of(
        Operation::new("refresh", "of a token that was used", "refresh_token_invalid"),
        &policy,
        async |world| {
            let player = later(world).await;
            refresh(world, &player).await;
            world.clock.advance(TimeDelta::minutes(1));
            player
        },
        refresh,
    );
    exams.of(
        Operation::new("resume", "opens the session anew", "entered, login 2 of 1 logins"),
        &policy,
        later,
        async |world, player| {
            let resume = Resume::new(player.login.tokens.refresh.reveal());
            entered(world.engine.resume(&context(), resume).await)
        },
    );
    let ended = "access_token_invalid";
    let log_out = async |world: &World, player: &Player, logout: Logout| {
        told(world.engine.logout(&context(), &player.who, logout).await, |()| "done".to_owned())
    };
    exams.of(
        Operation::new("logout", "of this session", ended),
        &policy,
        later,
        async |world, player| log_out(world, player, Logout::ThisSession).await,
    );
    exams.of(
        Operation::new("logout", "everywhere", ended),
        &policy,
        later,
        async |world, player| log_out(world, player, Logout::Everywhere).await,
    );
    exams.of(
        Operation::new("logout", "of the refresh token", "done"),
        &policy,
        later,
        async |world, player| {
            let refresh = Some(player.login.tokens.refresh.clone());
            log_out(world, player, Logout::Tokens { access: None, refresh }).await
        },
    );
}

fn links(exams: &mut Exams) {
    let policy = Policy { step_up: None, ..Policy::recommended() };
    let link = async |world: &World, player: &Player| {
        let link = Link::new(custom("ann"));
        told(world.engine.link(&context(), &player.who, link).await, |it| logins_of(&it))
    };
    let ann = async |world: &World| world.player(device("ann")).await;
    exams.of(Operation::new("link", "of one more login", "2 logins"), &policy, ann, link);
    exams.of(
        Operation::new("link", "of a guest, whose key goes", "1 logins"),
        &policy,
        async |world| world.player(guest("ann")).await,
        link,
    );
    exams.of(
        Operation::new("link", "of another's login: a ticket", "identity_taken").repeating(),
        &policy,
        async |world| {
            world.player(custom("ann")).await;
            world.player(device("ann")).await
        },
        link,
    );
    exams.of(
        Operation::new("unlink", "of one of two", "not_linked"),
        &policy,
        async |world| world.player_with(device("ann"), custom("ann")).await,
        async |world, player| {
            let unlink = Unlink::any(ProviderId::CUSTOM);
            let unlinked = world.engine.unlink(&context(), &player.who, unlink).await;
            told(unlinked, |it| logins_of(&it))
        },
    );
}

/// Somebody with a ticket for the login of another, who has two.
async fn with_ticket(world: &World) -> (Player, Secret) {
    world.player_with(google("bob"), device("bob")).await;
    let player = world.player(device("ann")).await;
    let refused = world.engine.link(&context(), &player.who, Link::new(google("bob"))).await;
    match refused {
        Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) => {
            (player, offer.secret)
        }
        other => unreachable!("a ticket, not {other:?}"),
    }
}

fn tickets(exams: &mut Exams) {
    let policy = Policy { step_up: None, login_events: true, ..Policy::recommended() };
    exams.of(
        Operation::new("link_forcibly", "takes the login", "ticket_used"),
        &policy,
        with_ticket,
        async |world, (player, ticket)| {
            let forced = world.engine.link_forcibly(&context(), &player.who, ticket).await;
            told(forced, |it| logins_of(&it))
        },
    );
    exams.of(
        Operation::new("link_forcibly_with", "takes the login", "ticket_used"),
        &policy,
        with_ticket,
        async |world, (player, ticket)| {
            let link = Link::new(google("bob"));
            let forced =
                world.engine.link_forcibly_with(&context(), &player.who, ticket, link).await;
            told(forced, |it| logins_of(&it))
        },
    );
    exams.of(
        Operation::new("change_login", "goes over to the other account", "access_token_invalid"),
        &policy,
        with_ticket,
        async |world, (player, ticket)| {
            entered(world.engine.change_login(&context(), &player.who, ticket).await)
        },
    );
}

fn merge(exams: &mut Exams) {
    exams.of(
        Operation::new("merge", "of two accounts", "2 logins"),
        &Policy { step_up: None, ..Policy::recommended() },
        async |world| {
            world.player(google("bob")).await;
            world.player(device("ann")).await;
            world.player(device("ann")).await
        },
        async |world, player| {
            let merge = Merge::new(google("bob"));
            let merged = world.engine.merge(&context(), &player.who, merge).await;
            told(merged, |merged| logins_of(&merged.account))
        },
    );
}
