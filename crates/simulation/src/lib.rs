//! Two provers, which try to break the engine.
//!
//! [`run`](run()) simulates: some clients call one engine at once. All of it follows from a seed: which client goes on
//! after each call of the store, how the clock moves, which calls come late, fail, or are done without an answer, and
//! when the process dies and begins again. What clients were told is then held against a naive sequential model: there
//! must be an order of the calls in which each answer is right.
//!
//! [`Exams`] end the process: before each write of each operation, they look at what a process finds that begins then. The
//! operation must be there whole, or not at all, and when it is asked for once more the answer must be right.

#![expect(clippy::expect_used, reason = "a prover that cannot begin has failed")]
#![expect(clippy::future_not_send, reason = "all runs on one thread")]

mod crash;
mod disk;
mod draw;
mod faults;
mod history;
mod model;
mod order;
mod outbox;
mod player;
mod run;
mod scheduler;

pub use crash::{Examined, Exams};
pub use faults::Counts;
pub use history::Answers;
pub use run::{Report, run};
