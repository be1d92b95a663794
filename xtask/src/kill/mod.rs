//! Kills the host while it writes, and looks for what it had promised.
//!
//! Writers send logins, links, refreshes, logouts and sign-ups on the routes of Nakama, and forced links, transfers, bans
//! and withdrawals under `/v1/`, and note what was answered. At a random moment the host is killed with no chance to
//! tidy up, and started again on the same file. What counts:
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

mod api;
mod database;
mod host;
mod http;
mod ledger;
mod v1;
mod verify;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use std::{fs, thread};

use api::Api;
use host::Host;
use http::Client;
use ledger::{Counts, Ledger};
use v1::case::Case;
use verify::Verified;
use writer::{Round, Writer, Written};

use crate::arguments::Arguments;
use crate::clock::{Moment, wait};
use crate::failure::{Failure, Result};
use crate::process::build_host;
use crate::random::Random;
use crate::step::Outcome;

const WRITERS: u64 = 6;
const V1_WRITERS: u64 = 4;

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
}

impl Options {
    pub(crate) fn parse(arguments: &mut Arguments) -> Result<Self> {
        let max = arguments.value("--max-seconds")?;
        Ok(Self {
            kills: arguments.value("--kills")?.unwrap_or(200),
            seed: arguments.value("--seed")?.unwrap_or_else(Random::any_seed),
            max: max.map_or(Duration::MAX, Duration::from_secs),
            release: arguments.flag("--release"),
        })
    }

    /// The run that belongs to every test run: under three minutes, also on a slow machine.
    pub(crate) fn bounded() -> Self {
        Self { kills: 15, seed: Random::any_seed(), max: Duration::from_secs(90), release: false }
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

struct Experiment<'a> {
    options: &'a Options,
    program: &'a Path,
    directory: &'a Path,
    random: Random,
    ledgers: Vec<Ledger>,
    /// Those of each writer under `/v1/`.
    cases: Vec<Vec<Case>>,
    report: Report,
}

#[derive(Default)]
struct Report {
    kills: u32,
    wanted: u32,
    kills_at_start: u32,
    interrupted: u64,
    acknowledged: Counts,
    verified: Verified,
    slowest_start: Duration,
    findings: Vec<String>,
}

impl<'a> Experiment<'a> {
    fn new(options: &'a Options, program: &'a Path, directory: &'a Path) -> Result<Self> {
        let key = v1::api::OPERATOR_KEY;
        fs::write(directory.join("host.toml"), format!("operator_key = \"{key}\"\n{CONFIG}"))?;
        Ok(Self {
            options,
            program,
            directory,
            random: Random::seeded(options.seed),
            ledgers: (0..WRITERS).map(|_| Ledger::default()).collect(),
            cases: (0..V1_WRITERS).map(|_| Vec::new()).collect(),
            report: Report { wanted: options.kills, ..Report::default() },
        })
    }

    fn run(mut self) -> Result<Report> {
        let started = Moment::now();
        while self.report.kills < self.options.kills && started.elapsed() < self.options.max {
            if self.random.below(6) == 0 {
                let after = Duration::from_millis(self.random.below(60));
                Host::start_in_vain(self.program, self.directory, after)?;
                self.report.kills_at_start += 1;
            }
            let host = self.start()?;
            self.verify_sample(&host)?;
            self.write_until_killed(host)?;
            if self.report.kills.is_multiple_of(10) {
                println!(
                    "{} kills, {} acknowledged writes",
                    self.report.kills,
                    self.report.acknowledged.total()
                );
            }
            if !self.report.findings.is_empty() {
                // More load would only bury the traces.
                break;
            }
        }
        self.report.findings.extend(database::check_as_left(self.directory)?);
        let host = self.start()?;
        self.verify_everything(&host)?;
        host.stop()?;
        let cases = self.cases.iter().flatten();
        self.report.findings.extend(database::check_stopped(self.directory, &self.ledgers, cases)?);
        Ok(self.report)
    }

    fn start(&mut self) -> Result<Host> {
        let started = Moment::now();
        let host = Host::start(self.program, self.directory)?;
        self.report.slowest_start = self.report.slowest_start.max(started.elapsed());
        Ok(host)
    }

    fn write_until_killed(&mut self, host: Host) -> Result<()> {
        let pause = Duration::from_millis(30 + self.random.below(500));
        let (killed, shared) = (AtomicBool::new(false), AtomicU64::new(0));
        let round = Round {
            number: self.report.kills,
            seed: self.options.seed,
            killed: &killed,
            shared: &shared,
        };
        let (api, v1_api) = apis(&host);
        let random = &mut self.random;
        let results = thread::scope(|scope| {
            let mut writers: Vec<thread::ScopedJoinHandle<'_, Written>> = Vec::new();
            for (index, ledger) in (0..).zip(&mut self.ledgers) {
                let random = random.fork(index);
                let writer = Writer::new(index, api.clone(), ledger, random, &round);
                writers.push(scope.spawn(|| writer.run()));
            }
            for (index, cases) in (WRITERS..).zip(&mut self.cases) {
                let random = random.fork(index);
                let writer = v1::writer::Writer::new(index, v1_api.clone(), cases, random, &round);
                writers.push(scope.spawn(|| writer.run()));
            }
            wait(pause);
            host.kill(&killed)?;
            Ok::<_, Failure>(
                writers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>(),
            )
        })?;
        self.report.kills += 1;
        for written in results {
            let written = written.map_err(|_| Failure::new("a writer panicked"))?;
            self.report.interrupted += u64::from(written.interrupted);
            self.report.acknowledged.add(&written.acknowledged);
            self.report.findings.extend(written.findings);
        }
        self.report.findings.extend(ledger::contested(&self.ledgers));
        Ok(())
    }

    /// Right after a start: what was cut off, and a few of the rest.
    fn verify_sample(&mut self, host: &Host) -> Result<()> {
        let (api, v1_api) = apis(host);
        for ledger in &mut self.ledgers {
            for player in ledger.players.iter_mut().filter(|player| player.is_urgent()) {
                verify::session(&api, player, &mut self.report.verified)?;
            }
            for _ in 0..4 {
                if let Some(player) = self.random.pick(&mut ledger.players) {
                    verify::session(&api, player, &mut self.report.verified)?;
                    if player.may_login_again() {
                        verify::identities(&api, player, &mut self.report.verified)?;
                    }
                }
            }
        }
        for cases in &mut self.cases {
            for case in cases.iter_mut().filter(|case| case.is_in_doubt()) {
                v1::verify::case(&v1_api, case, &mut self.report.verified)?;
            }
            for _ in 0..4 {
                let case = self.random.pick(cases);
                if let Some(case) = case.filter(|case| case.may_be_looked_at()) {
                    v1::verify::case(&v1_api, case, &mut self.report.verified)?;
                }
            }
        }
        self.report.findings.append(&mut self.report.verified.lost);
        Ok(())
    }

    fn verify_everything(&mut self, host: &Host) -> Result<()> {
        let (api, v1_api) = apis(host);
        let results: Vec<_> = thread::scope(|scope| {
            let mut verifiers: Vec<thread::ScopedJoinHandle<'_, Result<Verified>>> = Vec::new();
            for ledger in &mut self.ledgers {
                verifiers.push(scope.spawn(|| verify::ledger(&api, ledger)));
            }
            for cases in &mut self.cases {
                verifiers.push(scope.spawn(|| v1::verify::cases(&v1_api, cases)));
            }
            verifiers.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for verified in results {
            let verified = verified.map_err(|_| Failure::new("a verifier panicked"))?;
            self.report.verified.add(verified?);
        }
        self.report.findings.append(&mut self.report.verified.lost);
        Ok(())
    }
}

fn apis(host: &Host) -> (Api, v1::api::Api) {
    let client = Client::new(host.address());
    (Api::new(client.clone()), v1::api::Api::new(client))
}

impl Report {
    fn holds(&self) -> bool {
        // A run that wrote nothing, or never hit a request, has shown nothing.
        self.findings.is_empty()
            && self.kills > 0
            && self.interrupted > 0
            && self.acknowledged.total() > 0
    }

    fn print(&self) {
        println!(
            "kills                {} of {}, and {} during a start",
            self.kills, self.wanted, self.kills_at_start
        );
        println!("requests cut off     {}", self.interrupted);
        println!("slowest start        {:.2} s", self.slowest_start.as_secs_f64());
        println!("acknowledged writes  {}", self.acknowledged);
        println!("verified             {}", self.verified.counts);
        println!("verified under /v1/  {} answers", self.verified.answers);
        println!("unanswered           {}", self.verified.unanswered);
        println!("lost or wrong        {}", self.findings.len());
        if self.kills < self.wanted && self.findings.is_empty() {
            println!("the time was up before all kills were done");
        }
        for finding in self.findings.iter().take(30) {
            println!("  {finding}");
        }
    }
}
