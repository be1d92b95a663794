use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::api::Api;
use super::http::{Answer, Asked, Unanswered};
use super::ledger::{Counts, Email, Kind, Ledger, Linked, Player, State};
use super::load::WRITERS;
use crate::clock::{Moment, wait};
use crate::random::Random;

/// What the writers of one round share.
pub(crate) struct Round<'a> {
    pub(crate) number: u32,
    pub(crate) seed: u64,
    /// How many players a writer makes: everything that was made is looked at in the end.
    pub(crate) players: u32,
    /// Whoever writes is to end.
    pub(crate) over: &'a AtomicBool,
    /// The host lives through the round; what has no answer now has one later.
    pub(crate) host_stays: bool,
    /// Counts requests for identities that all writers want at once.
    pub(crate) shared: &'a AtomicU64,
}

pub(crate) struct Writer<'a> {
    index: u64,
    api: Api,
    ledger: &'a mut Ledger,
    random: Random,
    round: &'a Round<'a>,
    made: u32,
    written: Written,
}

#[derive(Default)]
pub(crate) struct Written {
    pub(crate) acknowledged: Counts,
    pub(crate) interrupted: bool,
    pub(crate) findings: Vec<String>,
}

/// How long a writer lets a host alone that has just answered with a fault.
const PAUSE: Duration = Duration::from_millis(100);

impl Round<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// After a request without an answer: whether to go on.
    pub(crate) fn goes_on(&self) -> bool {
        if self.host_stays {
            wait(PAUSE);
        }
        self.host_stays
    }
}

impl Written {
    /// The last request of a writer had no answer: that is the kill, or a host that is broken.
    pub(crate) fn end(&mut self, Unanswered(error): Unanswered, round: &Round<'_>) {
        if round.is_over() {
            self.interrupted = true;
        } else {
            self.findings.push(format!("no answer from a running host: {error}"));
        }
    }

    pub(crate) fn unexpected(&mut self, what: &str, answer: &Answer) {
        self.findings.push(format!("{what}: unexpected answer {}", answer.describe()));
    }
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        index: u64,
        api: Api,
        ledger: &'a mut Ledger,
        random: Random,
        round: &'a Round<'a>,
    ) -> Self {
        Self { index, api, ledger, random, round, made: 0, written: Written::default() }
    }

    /// Writes until the host is gone, or the round is over.
    pub(crate) fn run(mut self) -> Written {
        let mut signs_up = true;
        while !self.round.is_over() {
            let asked = match self.random.below(100) {
                0..20 => self.first_login(),
                20..30 => self.login(),
                30..58 => self.refresh(),
                58..72 => self.link_custom(),
                72..80 => self.link_device(),
                80..87 => self.logout(),
                87..92 => self.contested_login(),
                92..98 => self.contested_link(),
                // Hashing a password takes long; once is enough.
                _ if signs_up => {
                    signs_up = false;
                    self.sign_up()
                }
                _ => Ok(()),
            };
            match asked {
                Err(_) if self.round.goes_on() => {}
                Err(unanswered) => {
                    self.written.end(unanswered, self.round);
                    break;
                }
                Ok(()) => {}
            }
        }
        self.written
    }

    fn first_login(&mut self) -> Result<(), Unanswered> {
        let device = match self.ledger.unanswered.pop() {
            Some(device) => device,
            None if self.made < self.round.players => self.name("device"),
            None => return Ok(()),
        };
        let asked = self.api.device(&device, true);
        if asked.is_err() {
            self.ledger.unanswered.push(device.clone());
        }
        let Some(grant) = self.expect(200, asked, &device)?.and_then(|it| it.grant()) else {
            return Ok(());
        };
        self.written.acknowledged.count(Kind::Login);
        self.ledger.players.push(Player::new(Linked::Acknowledged(device), grant));
        Ok(())
    }

    /// Another login of a device that has an account.
    fn login(&mut self) -> Result<(), Unanswered> {
        let Some(player) = self.random.pick(&mut self.ledger.players) else {
            return Ok(());
        };
        let Linked::Acknowledged(device) = &player.device else { return Ok(()) };
        if !player.may_login_again() {
            return Ok(());
        }
        let (device, account) = (device.clone(), player.account.clone());
        // Also one that is not answered may have opened a session.
        player.logged_in();
        let asked = self.api.device(&device, false);
        if let Some(answer) = self.expect(200, asked, &device)? {
            match answer.grant() {
                Some(grant) if grant.account == account => {
                    self.written.acknowledged.count(Kind::Login);
                }
                _ => self.written.unexpected(&format!("{device} of {account}"), &answer),
            }
        }
        Ok(())
    }

    fn sign_up(&mut self) -> Result<(), Unanswered> {
        let address = format!("{}@example.com", self.name("mail"));
        let password = format!("{:016x}", self.random.next());
        let asked = self.api.email(&address, &password, true);
        let Some(grant) = self.expect(200, asked, &address)?.and_then(|it| it.grant()) else {
            return Ok(());
        };
        self.written.acknowledged.count(Kind::SignUp);
        let mut player = Player::new(Linked::No, grant);
        player.email = Some(Email { address, password });
        self.ledger.players.push(player);
        Ok(())
    }

    fn refresh(&mut self) -> Result<(), Unanswered> {
        let Some(player) = self.random.pick(&mut self.ledger.players) else {
            return Ok(());
        };
        // One that was cut off is looked at right after the start; here it would count as refused by chance.
        if !player.is_live() {
            return Ok(());
        }
        let asked_at = Moment::now();
        let asked = self.api.refresh(&player.session.refresh);
        match asked {
            Err(unanswered) => {
                player.session.unanswered_refresh(asked_at);
                Err(unanswered)
            }
            Ok(answer) => {
                if let Some(grant) = answer.grant() {
                    player.session.renewed(grant);
                    self.written.acknowledged.count(Kind::Refresh);
                } else {
                    let what = format!("refresh of {}", player.account);
                    self.written.unexpected(&what, &answer);
                }
                Ok(())
            }
        }
    }

    fn link_custom(&mut self) -> Result<(), Unanswered> {
        let id = self.name("custom");
        let Some(player) = self.random.pick(&mut self.ledger.players) else {
            return Ok(());
        };
        if !player.is_live() || player.custom != Linked::No {
            return Ok(());
        }
        let asked = self.api.link(&player.session.access, "custom", &id);
        player.custom = linked(&asked, &id);
        self.count_link(asked, &id)
    }

    fn link_device(&mut self) -> Result<(), Unanswered> {
        let id = self.name("second-device");
        let Some(player) = self.random.pick(&mut self.ledger.players) else {
            return Ok(());
        };
        if !player.is_live() || player.second_device != Linked::No {
            return Ok(());
        }
        let asked = self.api.link(&player.session.access, "device", &id);
        player.second_device = linked(&asked, &id);
        self.count_link(asked, &id)
    }

    fn logout(&mut self) -> Result<(), Unanswered> {
        let Some(player) = self.random.pick(&mut self.ledger.players) else {
            return Ok(());
        };
        if !player.is_live() {
            return Ok(());
        }
        let session = &mut player.session;
        let asked = self.api.logout(&session.access, &session.refresh);
        session.state = match &asked {
            Err(_) => State::LoggingOut,
            Ok(answer) if answer.status == 200 => State::LoggedOut,
            Ok(_) => State::Live,
        };
        let what = format!("logout of {}", player.account);
        if self.expect(200, asked, &what)?.is_some() {
            self.written.acknowledged.count(Kind::Logout);
        }
        Ok(())
    }

    /// The first login of a device that the other writers want at this moment too.
    fn contested_login(&mut self) -> Result<(), Unanswered> {
        let device = self.shared_name("shared-device");
        let asked = self.api.device(&device, true);
        let Some(grant) = self.expect(200, asked, &device)?.and_then(|it| it.grant()) else {
            return Ok(());
        };
        self.written.acknowledged.count(Kind::Login);
        self.ledger.contested.push((device, grant.account, grant.created));
        Ok(())
    }

    /// Links an identity that the other writers want at this moment too: one of them gets it.
    fn contested_link(&mut self) -> Result<(), Unanswered> {
        let id = self.shared_name("shared-custom");
        let Some(player) = self.random.pick(&mut self.ledger.players) else {
            return Ok(());
        };
        if !player.is_live() || player.custom != Linked::No {
            return Ok(());
        }
        let asked = self.api.link(&player.session.access, "custom", &id);
        player.custom = match &asked {
            Ok(answer) if answer.status == 409 => return Ok(()),
            Ok(_) => linked(&asked, &id),
            Err(_) => Linked::Contested,
        };
        self.count_link(asked, &id)
    }

    fn count_link(&mut self, asked: Asked, id: &str) -> Result<(), Unanswered> {
        if self.expect(200, asked, id)?.is_some() {
            self.written.acknowledged.count(Kind::Link);
        }
        Ok(())
    }

    /// The answer, when it has this status; any other one is a finding.
    fn expect(
        &mut self,
        status: u16,
        asked: Asked,
        what: &str,
    ) -> Result<Option<Answer>, Unanswered> {
        let answer = asked?;
        if answer.status == status {
            return Ok(Some(answer));
        }
        self.written.unexpected(what, &answer);
        Ok(None)
    }

    /// A name that nobody else makes.
    fn name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}-{:x}-{}-{}-{}", self.round.seed, self.round.number, self.index, self.made)
    }

    /// A name that the next few writers to ask make too.
    fn shared_name(&self, kind: &str) -> String {
        let asked = self.round.shared.fetch_add(1, Ordering::SeqCst);
        format!("{kind}-{:x}-{}-{}", self.round.seed, self.round.number, asked / WRITERS)
    }
}

fn linked(asked: &Asked, id: &str) -> Linked {
    match asked {
        Ok(answer) if answer.status == 200 => Linked::Acknowledged(id.to_owned()),
        Ok(_) => Linked::No,
        Err(_) => Linked::Unanswered(id.to_owned()),
    }
}
