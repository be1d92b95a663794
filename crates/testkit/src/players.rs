use authcore::account::Account;
use authcore::{
    Authenticated, BanRequest, Clock as _, Credential, Error, Link, LoggedIn, Login, Operator,
    RequestContext,
};
use chrono::TimeDelta;

use crate::{Harness, run};

/// The guest key that lies on the device of the player of this name. A name is one word; a space counts as `-`.
#[must_use]
pub fn guest(name: &str) -> Credential {
    Credential::Guest(format!("the guest key of {name}").replace(' ', "-").into())
}

/// The email address of the player of this name, one word, with a good password.
#[must_use]
pub fn email(name: &str) -> Credential {
    Credential::Email {
        email: format!("{name}@example.com"),
        password: format!("the long password of {name}").into(),
    }
}

/// What nearly every test of a game does with its players, each in one blocking call. All else is
/// [`run`](crate::run) and the engine.
impl Harness {
    /// Lets a guest in, who has an account from then on.
    ///
    /// # Panics
    ///
    /// When the login is refused: where a test expects that, it says `login(guest(name))`.
    #[expect(clippy::panic, reason = "a test whose player does not come in has failed")]
    #[expect(clippy::must_use_candidate, reason = "a test may want an account and no more")]
    pub fn guest(&self, name: &str) -> LoggedIn {
        match self.login(guest(name)) {
            Ok(player) => player,
            Err(error) => panic!("the guest {name} does not come in: {error}"),
        }
    }

    /// Logs a player in, from a device that says nothing of itself.
    ///
    /// # Errors
    ///
    /// As [`Engine::login`](authcore::Engine::login).
    pub fn login(&self, credential: Credential) -> Result<LoggedIn, Error> {
        run(self.engine().login(&RequestContext::new(), Login::new(credential)))
    }

    /// The proof that a game's functions take for this player.
    ///
    /// # Errors
    ///
    /// As [`Engine::verify`](authcore::Engine::verify).
    pub fn verify(&self, player: &LoggedIn) -> Result<Authenticated, Error> {
        run(self.engine().verify(player.tokens.access.reveal()))
    }

    /// Adds a login to the player's account.
    ///
    /// # Errors
    ///
    /// As [`Engine::link`](authcore::Engine::link).
    pub fn link(&self, player: &LoggedIn, credential: Credential) -> Result<Account, Error> {
        let who = self.verify(player)?;
        run(self.engine().link(&RequestContext::new(), &who, Link::new(credential)))
    }

    /// Bans the player for good.
    ///
    /// # Panics
    ///
    /// When the ban is refused.
    pub fn ban(&self, player: &LoggedIn) {
        self.ban_as(player, BanRequest::permanent());
    }

    /// Bans the player for so long.
    ///
    /// # Panics
    ///
    /// When the ban is refused.
    pub fn ban_for(&self, player: &LoggedIn, time: TimeDelta) {
        self.ban_as(player, BanRequest::until(self.clock().now() + time));
    }

    #[expect(clippy::panic, reason = "a test that cannot ban has failed")]
    fn ban_as(&self, player: &LoggedIn, request: BanRequest) {
        let operator = Operator::vouched_for("the test");
        if let Err(error) = run(self.engine().ban(&operator, player.account.id, request)) {
            panic!("the ban is refused: {error}");
        }
    }
}
