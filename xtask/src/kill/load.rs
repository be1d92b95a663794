//! The writers, what they were told, and the questions whether it holds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};

use super::api::Api;
use super::http::Client;
use super::ledger::{self, Counts, Ledger};
use super::v1;
use super::v1::case::Case;
use super::verify::{self, Verified};
use super::writer::{Round, Writer, Written};
use crate::failure::{Failure, Result};
use crate::random::Random;

pub(super) const WRITERS: u64 = 6;
const V1_WRITERS: u64 = 4;

pub(crate) struct Load {
    seed: u64,
    rounds: u32,
    pub(crate) random: Random,
    ledgers: Vec<Ledger>,
    /// Those of each writer under `/v1/`.
    cases: Vec<Vec<Case>>,
    pub(crate) interrupted: u64,
    pub(crate) acknowledged: Counts,
    pub(crate) verified: Verified,
    /// What was lost, or answered wrongly.
    pub(crate) findings: Vec<String>,
}

impl Load {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rounds: 0,
            random: Random::seeded(seed),
            ledgers: (0..WRITERS).map(|_| Ledger::default()).collect(),
            cases: (0..V1_WRITERS).map(|_| Vec::new()).collect(),
            interrupted: 0,
            acknowledged: Counts::default(),
            verified: Verified::default(),
            findings: Vec::new(),
        }
    }

    /// Has the writers write while something else is done, which may raise the flag that ends them.
    pub(crate) fn write(
        &mut self,
        client: &Client,
        players: u32,
        meanwhile: impl FnOnce(&AtomicBool) -> Result<()>,
    ) -> Result<()> {
        let (over, shared) = (AtomicBool::new(false), AtomicU64::new(0));
        let (seed, number) = (self.seed, self.rounds);
        let host_stays = client.notes_outage();
        let round = Round { number, seed, players, over: &over, host_stays, shared: &shared };
        let (api, v1_api) = apis(client);
        let random = &mut self.random;
        let (done, results) = thread::scope(|scope| {
            let mut writers: Vec<ScopedJoinHandle<'_, Written>> = Vec::new();
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
            let done = meanwhile(&over);
            over.store(true, Ordering::SeqCst);
            (done, writers.into_iter().map(ScopedJoinHandle::join).collect::<Vec<_>>())
        });
        done?;
        self.rounds += 1;
        for written in results {
            let written = written.map_err(|_| Failure::new("a writer panicked"))?;
            self.interrupted += u64::from(written.interrupted);
            self.acknowledged.add(&written.acknowledged);
            self.findings.extend(written.findings);
        }
        self.findings.extend(ledger::contested(&self.ledgers));
        Ok(())
    }

    /// Right after a kill: what was cut off, and a few of the rest.
    pub(crate) fn verify_sample(&mut self, client: &Client) -> Result<()> {
        let (api, v1_api) = apis(client);
        for ledger in &mut self.ledgers {
            for player in ledger.players.iter_mut().filter(|player| player.is_urgent()) {
                verify::session(&api, player, &mut self.verified)?;
            }
            for _ in 0..4 {
                if let Some(player) = self.random.pick(&mut ledger.players) {
                    verify::session(&api, player, &mut self.verified)?;
                    if player.may_login_again() {
                        verify::identities(&api, player, &mut self.verified)?;
                    }
                }
            }
        }
        for cases in &mut self.cases {
            for case in cases.iter_mut().filter(|case| case.is_in_doubt()) {
                v1::verify::case(&v1_api, case, &mut self.verified)?;
            }
            for _ in 0..4 {
                let case = self.random.pick(cases);
                if let Some(case) = case.filter(|case| case.may_be_looked_at()) {
                    v1::verify::case(&v1_api, case, &mut self.verified)?;
                }
            }
        }
        self.findings.append(&mut self.verified.lost);
        Ok(())
    }

    pub(crate) fn verify_everything(&mut self, client: &Client) -> Result<()> {
        let (api, v1_api) = apis(client);
        let results: Vec<_> = thread::scope(|scope| {
            let mut verifiers: Vec<ScopedJoinHandle<'_, Result<Verified>>> = Vec::new();
            for ledger in &mut self.ledgers {
                verifiers.push(scope.spawn(|| verify::ledger(&api, ledger)));
            }
            for cases in &mut self.cases {
                verifiers.push(scope.spawn(|| v1::verify::cases(&v1_api, cases)));
            }
            verifiers.into_iter().map(ScopedJoinHandle::join).collect()
        });
        for verified in results {
            let verified = verified.map_err(|_| Failure::new("a verifier panicked"))?;
            self.verified.add(verified?);
        }
        self.findings.append(&mut self.verified.lost);
        Ok(())
    }

    pub(crate) fn ledgers(&self) -> &[Ledger] {
        &self.ledgers
    }

    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> + Clone {
        self.cases.iter().flatten()
    }

    pub(crate) fn print(&self) {
        println!("requests cut off     {}", self.interrupted);
        println!("acknowledged writes  {}", self.acknowledged);
        println!("verified             {}", self.verified.counts);
        println!("verified under /v1/  {} answers", self.verified.answers);
        println!("unanswered           {}", self.verified.unanswered);
        println!("lost or wrong        {}", self.findings.len());
        for finding in self.findings.iter().take(30) {
            println!("  {finding}");
        }
    }
}

fn apis(client: &Client) -> (Api, v1::api::Api) {
    (Api::new(client.clone()), v1::api::Api::new(client.clone()))
}
