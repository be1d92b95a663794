//! Kills the host while it writes, and looks for what it had promised.
//!
//! Writers send logins, links, refreshes, logouts and sign-ups on the routes of Nakama, and forced links, transfers, bans
//! and withdrawals under `/v1/`, and note what was answered. At a random moment the host is killed with no chance to
//! tidy up, and started again on the same file or database. On PostgreSQL the server is killed in turns instead, and
//! started again, while the host lives on. What counts:
//!
//! - An acknowledged login, sign-up or link finds the same account for ever after; one that was not answered may have
//!   happened or not, and finds the same account or none.
//! - After an acknowledged refresh the new token works. After one that was not answered, the old token works once more
//!   while the grace time lasts.
//! - An acknowledged logout stays: neither token of the session is good for anything.
//! - An identity is on one account only, whoever asked for it at the same time.
//! - An acknowledged forced link, transfer, ban or withdrawal holds in all that it does: logins, standing, sessions,
//!   tickets. One that was not answered holds whole or not at all.
//! - No account lost its last login but by a forced link or a transfer.
//! - While its database is gone, the host answers every request, with a fault that it names as such or rightly; and well
//!   again, without a restart, once the database is back.

pub(crate) mod api;
pub(crate) mod database;
pub(crate) mod host;
pub(crate) mod http;
mod ledger;
pub(crate) mod load;
pub(crate) mod outage;
pub(crate) mod store;
mod v1;
mod verify;
mod writer;

use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use host::Host;
use http::Client;
use load::Load;
use outage::{Noted, Outage};
use store::Store;

use crate::arguments::Arguments;
use crate::clock::{Moment, wait};
use crate::failure::{Failure, Result};
use crate::process::build_host;
use crate::random::Random;
use crate::step::Outcome;

/// How many players a writer makes between two kills.
const PLAYERS: u32 = 40;

/// Long lifetimes, so that a token that is refused was refused because of the kill. One hour is the most that an access
/// token may live. Transfers come as through a proxy: from one address the host takes but a few.
const CONFIG: &str = r#"
[nakama]
access_lifetime_seconds = 3600
session_idle_seconds = 86400

[v1]
preset = "gamebase"
proxy_count = 1
access_lifetime_seconds = 3600
ticket_seconds = 86400
sessions_per_account = 100

[v1.transfer]
id = { characters = "digits_upper", length = 12 }
"#;

pub(crate) struct Options {
    kills: u32,
    seed: u64,
    max: Duration,
    release: bool,
    store: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            _ => Err(()),
        }
    }
}

impl Options {
    pub(crate) fn parse(arguments: &mut Arguments) -> Result<Self> {
        let max = arguments.value("--max-seconds")?;
        Ok(Self {
            kills: arguments.value("--kills")?.unwrap_or(200),
            seed: arguments.value("--seed")?.unwrap_or_else(Random::any_seed),
            max: max.map_or(Duration::MAX, Duration::from_secs),
            release: arguments.flag("--release"),
            store: arguments.value("--store")?.unwrap_or(Kind::Sqlite),
        })
    }

    /// The run that belongs to every test run: under three minutes, also on a slow machine.
    pub(crate) fn bounded() -> Self {
        let (kills, max) = (15, Duration::from_secs(90));
        Self { kills, seed: Random::any_seed(), max, release: false, store: Kind::Sqlite }
    }

    /// The same on PostgreSQL.
    pub(crate) fn bounded_on_postgres() -> Self {
        let (kills, max) = (6, Duration::from_mins(1));
        Self { kills, seed: Random::any_seed(), max, release: false, store: Kind::Postgres }
    }
}

pub(crate) fn run(options: &Options) -> Result<Outcome> {
    let program = build_host(options.release)?;
    let mut directory = tempfile::Builder::new().prefix("authcore-kill-").tempdir()?;
    println!("{} kills, seed {}", options.kills, options.seed);
    let outcome = Experiment::new(options, &program, directory.path())?.run();
    match &outcome {
        Ok(report) => report.print(),
        Err(failure) => eprintln!("stopped: {failure}"),
    }
    if outcome.as_ref().is_ok_and(Report::holds) {
        return Ok(Outcome::Held);
    }
    // Whoever looks for the reason wants the file and the host's own words.
    directory.disable_cleanup(true);
    Err(Failure::new(format!(
        "seed {}; the database and the host's log are in {}",
        options.seed,
        directory.path().display()
    )))
}

/// Writes the configuration that a host under these loads needs. Beside a file the host keeps a signing key of its own;
/// on a server it is given one, so that tokens outlive it.
pub(crate) fn configure(directory: &Path, on_a_server: bool) -> Result<()> {
    let mut keys = format!("operator_key = \"{}\"\n", v1::api::OPERATOR_KEY);
    if on_a_server {
        keys.push_str("signing_key = \"what tokens are signed with between kills\"\n");
    }
    Ok(fs::write(directory.join("host.toml"), keys + CONFIG)?)
}

struct Experiment<'a> {
    options: &'a Options,
    program: &'a Path,
    directory: &'a Path,
    store: Store,
    report: Report,
}

struct Report {
    load: Load,
    kills: u32,
    wanted: u32,
    kills_at_start: u32,
    /// Of the database, while the host lived on.
    outages: Vec<Noted>,
    slowest_start: Duration,
}

impl<'a> Experiment<'a> {
    fn new(options: &'a Options, program: &'a Path, directory: &'a Path) -> Result<Self> {
        configure(directory, options.store == Kind::Postgres)?;
        let store = match options.store {
            Kind::Sqlite => Store::sqlite(directory),
            Kind::Postgres => Store::postgres(directory)?,
        };
        let report = Report {
            load: Load::new(options.seed),
            kills: 0,
            wanted: options.kills,
            kills_at_start: 0,
            outages: Vec::new(),
            slowest_start: Duration::ZERO,
        };
        Ok(Self { options, program, directory, store, report })
    }

    fn run(mut self) -> Result<Report> {
        let started = Moment::now();
        while self.report.kills < self.options.kills && started.elapsed() < self.options.max {
            if self.report.load.random.below(6) == 0 {
                let after = Duration::from_millis(self.report.load.random.below(60));
                Host::start_in_vain(self.program, self.directory, &self.store.url(), after)?;
                self.report.kills_at_start += 1;
            }
            let host = self.start()?;
            self.report.load.verify_sample(&Client::new(host.address()))?;
            self.write_until_killed(host)?;
            if self.report.kills.is_multiple_of(10) {
                let acknowledged = self.report.load.acknowledged.total();
                println!("{} kills, {acknowledged} acknowledged writes", self.report.kills);
            }
            if !self.report.load.findings.is_empty() {
                // More load would only bury the traces.
                break;
            }
        }
        self.report.load.findings.extend(self.store.check_as_left()?);
        let host = self.start()?;
        self.report.load.verify_everything(&Client::new(host.address()))?;
        host.stop()?;
        self.report.load.findings.extend(self.store.check_stopped()?);
        let load = &self.report.load;
        let findings = database::check(&self.store, load.ledgers(), load.cases())?;
        self.report.load.findings.extend(findings);
        Ok(self.report)
    }

    fn start(&mut self) -> Result<Host> {
        let started = Moment::now();
        let host = Host::start(self.program, self.directory, &self.store.url())?;
        self.report.slowest_start = self.report.slowest_start.max(started.elapsed());
        Ok(host)
    }

    fn write_until_killed(&mut self, host: Host) -> Result<()> {
        let load = &mut self.report.load;
        if let Store::Postgres(server) = &mut self.store
            && self.report.kills % 3 == 1
        {
            let pause = pause(load);
            let outage = Arc::new(Outage::default());
            let client = Client::new(host.address()).through(&outage);
            load.write(&client, PLAYERS, |_| {
                wait(pause);
                outage.begin();
                server.kill()?;
                server.start()?;
                outage.until_good()
            })?;
            self.report.kills += 1;
            load.verify_sample(&client)?;
            let mut noted = outage.so_far();
            load.findings.append(&mut noted.findings);
            self.report.outages.push(noted);
        }
        let pause = pause(load);
        load.write(&Client::new(host.address()), PLAYERS, |over| {
            wait(pause);
            host.kill(over)
        })?;
        self.report.kills += 1;
        Ok(())
    }
}

fn pause(load: &mut Load) -> Duration {
    Duration::from_millis(30 + load.random.below(500))
}

impl Report {
    fn holds(&self) -> bool {
        // A run that wrote nothing, or never hit a request, has shown nothing.
        self.load.findings.is_empty()
            && self.kills > 0
            && self.load.interrupted > 0
            && self.load.acknowledged.total() > 0
            && self.outages.iter().all(|outage| outage.faults() > 0)
    }

    fn print(&self) {
        println!(
            "kills                {} of {}, and {} during a start",
            self.kills, self.wanted, self.kills_at_start
        );
        for outage in &self.outages {
            println!("database killed      {outage}");
        }
        println!("slowest start        {:.2} s", self.slowest_start.as_secs_f64());
        self.load.print();
        if self.kills < self.wanted && self.load.findings.is_empty() {
            println!("the time was up before all kills were done");
        }
    }
}
