//! Stores around stores: to count calls, to make them fail, to record them.
//!
//! Each forwards every method, and adds what its name says.

pub(crate) mod closed;
mod faulty;
mod recording;
mod settling;
mod traced;

pub use faulty::{Fault, Faults, FaultyStore};
pub use recording::{Answer, Call, Entry, RecordingStore, Step};
pub use settling::SettlingStore;
pub use traced::{Counts, TracedStore};
