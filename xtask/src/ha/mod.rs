//! Kills the primary of a PostgreSQL cluster under load, promotes its standby, and looks for what was promised.
//!
//! The host is started once, with the addresses of both servers. What counts is what counts after a kill of the host
//! (`kill`), and that the host finds the new primary by itself.

mod cluster;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::Cluster;

use crate::arguments::Arguments;
use crate::clock::{Moment, wait};
use crate::failure::{Failure, Result};
use crate::kill::host::Host;
use crate::kill::http::Client;
use crate::kill::load::Load;
use crate::kill::outage::{Noted, Outage};
use crate::kill::{configure, database};
use crate::process::build_host;
use crate::random::Random;
use crate::step::Outcome;

/// How many players a writer makes in a round.
const PLAYERS: u32 = 150;
/// After this long no other round begins: with it and the verification the command ends within ten minutes.
const LAST_ROUND: Duration = Duration::from_mins(6);

pub(crate) struct Options {
    rounds: u32,
    seed: u64,
    /// Between the kill and the promotion. Something has to notice first; how fast it does is not ours.
    notice: Duration,
    /// How long before the kill the standby is cut off: to see that losses would be found.
    behind: Option<Duration>,
    release: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &mut Arguments) -> Result<Self> {
        Ok(Self {
            rounds: arguments.value("--rounds")?.unwrap_or(2),
            seed: arguments.value("--seed")?.unwrap_or_else(Random::any_seed),
            notice: Duration::from_millis(arguments.value("--notice-ms")?.unwrap_or(1000)),
            behind: arguments.value("--behind-ms")?.map(Duration::from_millis),
            release: arguments.flag("--release"),
        })
    }
}

pub(crate) fn run(options: &Options) -> Result<Outcome> {
    let program = build_host(options.release)?;
    let mut directory = tempfile::Builder::new().prefix("authcore-ha-").tempdir()?;
    println!("{} failovers, seed {}", options.rounds, options.seed);
    match fail_over(options, &program, directory.path()) {
        Ok(report) if report.holds() => return Ok(Outcome::Held),
        Ok(_) => {}
        Err(failure) => eprintln!("stopped: {failure}"),
    }
    // Whoever looks for the reason wants the databases and everybody's own words.
    directory.disable_cleanup(true);
    Err(Failure::new(format!(
        "seed {}; the databases and the logs are in {}",
        options.seed,
        directory.path().display()
    )))
}

struct Report {
    load: Load,
    failovers: Vec<Failover>,
    /// Each failover that was asked for was made.
    whole: bool,
}

struct Failover {
    /// How long the standby took to become the primary.
    promotion: Duration,
    /// From then on, until the host gave a good answer.
    reconnection: Option<Duration>,
    acknowledged: u64,
    noted: Noted,
}

fn fail_over(options: &Options, program: &Path, directory: &Path) -> Result<Report> {
    configure(directory, true)?;
    let mut cluster = Cluster::start(directory)?;
    let host = Host::start(program, directory, &cluster.url())?;
    let mut report = Report { load: Load::new(options.seed), failovers: Vec::new(), whole: true };
    let started = Moment::now();
    for round in 0..options.rounds {
        if started.elapsed() > LAST_ROUND {
            println!("the time was up before all failovers were done");
            report.whole = false;
            break;
        }
        if round > 0 {
            cluster.make_standby()?;
        }
        let failover = one(options, &mut report.load, &mut cluster, &host)?;
        println!("failover {}           {failover}", round + 1);
        report.failovers.push(failover);
        if !report.load.findings.is_empty() {
            break;
        }
    }
    report.load.verify_everything(&Client::new(host.address()))?;
    host.stop()?;
    let store = cluster.into_store();
    report.load.findings.extend(store.check_stopped()?);
    let findings = database::check(&store, report.load.ledgers(), report.load.cases())?;
    report.load.findings.extend(findings);
    report.load.print();
    Ok(report)
}

fn one(options: &Options, load: &mut Load, cluster: &mut Cluster, host: &Host) -> Result<Failover> {
    let before = load.acknowledged.total();
    let outage = Arc::new(Outage::default());
    let client = Client::new(host.address()).through(&outage);
    let pause = Duration::from_millis(2000 + load.random.below(1000));
    let mut promotion = Duration::ZERO;
    let mut promoted = None;
    load.write(&client, PLAYERS, |_| {
        wait(pause);
        if let Some(behind) = options.behind {
            cluster.cut_standby_off()?;
            wait(behind);
        }
        outage.begin();
        cluster.kill_primary()?;
        wait(options.notice);
        let asked = Moment::now();
        cluster.promote()?;
        promotion = asked.elapsed();
        promoted = Some(Moment::now());
        outage.until_good()?;
        // Who was waiting may still be told that it did not work.
        wait(Duration::from_secs(1));
        outage.end();
        wait(Duration::from_secs(2));
        Ok(())
    })?;
    load.verify_sample(&client)?;
    let mut noted = outage.so_far();
    load.findings.append(&mut noted.findings);
    Ok(Failover {
        promotion,
        reconnection: promoted.and_then(|promoted| noted.good_after(promoted)),
        acknowledged: load.acknowledged.total() - before,
        noted,
    })
}

impl Report {
    fn holds(&self) -> bool {
        // A round in which nothing failed has killed nothing that was in use.
        self.load.findings.is_empty()
            && self.whole
            && !self.failovers.is_empty()
            && self.failovers.iter().all(|it| it.noted.faults() > 0 && it.acknowledged > 0)
    }
}

impl std::fmt::Display for Failover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { promotion, reconnection, acknowledged, noted } = self;
        write!(
            f,
            "{noted}; promoted in {:.2} s, a good answer {:.2} s after that; {acknowledged} acknowledged writes",
            promotion.as_secs_f64(),
            reconnection.unwrap_or_default().as_secs_f64()
        )
    }
}
