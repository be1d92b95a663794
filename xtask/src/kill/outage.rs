//! What a host answers while its database is gone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::http::{Answer, Asked, Unanswered};
use crate::clock::{Moment, wait};
use crate::failure::{Failure, Result};

/// How long the host may take until it is well again when its database is.
const RECOVERY: Duration = Duration::from_mins(1);

/// The host lives on and answers every request: with a fault that it names as such, or rightly. All requests of a round
/// are noted here.
#[derive(Default)]
pub(crate) struct Outage(Mutex<Noted>);

#[derive(Clone, Default)]
pub(crate) struct Noted {
    began: Option<Moment>,
    ended: Option<Moment>,
    /// How often each fault was answered.
    faults: BTreeMap<String, u64>,
    first_fault: Option<Moment>,
    last_fault: Option<Moment>,
    good_again: Option<Moment>,
    slowest: Duration,
    pub(crate) findings: Vec<String>,
}

impl Outage {
    /// From now on there may be faults.
    pub(crate) fn begin(&self) {
        self.noted().began = Some(Moment::now());
    }

    /// What is asked from now on must be answered well.
    pub(crate) fn end(&self) {
        self.noted().ended = Some(Moment::now());
    }

    /// Waits for a good answer after the faults.
    pub(crate) fn until_good(&self) -> Result<()> {
        let asked = Moment::now();
        while self.noted().good_again.is_none() {
            if asked.elapsed() > RECOVERY {
                return Err(Failure::new(
                    "the database is well, and the host answers nothing but faults",
                ));
            }
            wait(Duration::from_millis(5));
        }
        Ok(())
    }

    pub(crate) fn so_far(&self) -> Noted {
        self.noted().clone()
    }

    /// Passes the answer on, and a fault as no answer: what was asked may have happened or not.
    pub(super) fn note(&self, asked: Moment, answer: Asked) -> Asked {
        let mut noted = self.noted();
        if noted.began.is_some() {
            noted.slowest = noted.slowest.max(asked.elapsed());
        }
        let answer = answer.inspect_err(|Unanswered(error)| {
            noted.findings.push(format!("no answer from a running host: {error}"));
        })?;
        if answer.status < 500 {
            noted.good(asked);
            return Ok(answer);
        }
        noted.fault(asked, &answer);
        Err(Unanswered(answer.describe()))
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn good(&mut self, asked: Moment) {
        if self.good_again.is_none() && self.first_fault.is_some_and(|fault| asked > fault) {
            self.good_again = Some(Moment::now());
        }
    }

    fn fault(&mut self, asked: Moment, answer: &Answer) {
        let now = Moment::now();
        let what = answer.describe();
        if answer.text("/message").or_else(|| answer.text("/error/code")).is_none() {
            self.findings.push(format!("a fault without a name: {what}"));
        }
        if self.began.is_none() {
            self.findings.push(format!("a fault while the database was well: {what}"));
        }
        if self.ended.is_some_and(|ended| asked > ended) {
            self.findings.push(format!("a fault after the database was well again: {what}"));
        }
        self.first_fault.get_or_insert(now);
        self.last_fault = Some(now);
        *self.faults.entry(what).or_default() += 1;
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// From the first fault to the first good answer to a request that came after it.
    pub(crate) fn lasted(&self) -> Option<Duration> {
        Some(self.good_again?.since(self.first_fault?))
    }

    /// From a moment to the first good answer.
    pub(crate) fn good_after(&self, moment: Moment) -> Option<Duration> {
        Some(self.good_again?.since(moment))
    }
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Option<Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64());
        let stragglers = self.last_fault.zip(self.good_again).map(|(last, good)| last.since(good));
        write!(
            f,
            "{:.2} s without a good answer, the last fault {:.2} s after the first good one, the slowest answer {:.2} s; {} faults",
            seconds(self.lasted()),
            seconds(stragglers),
            self.slowest.as_secs_f64(),
            self.faults()
        )?;
        for (what, count) in &self.faults {
            write!(f, ", {count} x {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(outage: &Outage, status: u16, body: Value) -> Asked {
        outage.note(Moment::now(), Ok(Answer { status, body }))
    }

    fn fault(outage: &Outage) -> Asked {
        answer(outage, 500, json!({ "code": 13, "message": "Internal error." }))
    }

    fn findings(outage: &Outage) -> Vec<String> {
        outage.so_far().findings
    }

    #[test]
    fn a_fault_counts_as_no_answer_and_is_good_between_begin_and_end_only() {
        let outage = Outage::default();
        assert!(fault(&outage).is_err());
        assert_eq!(findings(&outage).len(), 1);
        outage.begin();
        assert!(fault(&outage).is_err());
        assert_eq!(findings(&outage).len(), 1);
        outage.end();
        assert!(fault(&outage).is_err());
        assert_eq!(findings(&outage).len(), 2);
        assert_eq!(outage.so_far().faults(), 3);
    }

    #[test]
    fn a_fault_has_a_name_and_a_running_host_answers() {
        let outage = Outage::default();
        outage.begin();
        assert!(answer(&outage, 503, Value::Null).is_err());
        assert!(findings(&outage)[0].contains("without a name"));
        let nothing = Err(Unanswered("connection reset".to_owned()));
        assert!(outage.note(Moment::now(), nothing).is_err());
        assert!(findings(&outage)[1].contains("connection reset"));
    }

    #[test]
    fn it_lasts_until_a_good_answer_to_what_was_asked_after_the_first_fault() {
        let outage = Outage::default();
        outage.begin();
        let early = Moment::now();
        assert!(fault(&outage).is_err());
        let late = |asked| {
            let answer = Answer { status: 200, body: Value::Null };
            assert!(outage.note(asked, Ok(answer)).is_ok());
            outage.so_far().lasted()
        };
        assert_eq!(late(early), None);
        assert!(late(Moment::now()).is_some());
    }
}
