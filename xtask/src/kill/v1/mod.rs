//! The load under `/v1/`: forced links, transfers, bans and withdrawals, which change several things at once.
//!
//! A writer ties a few accounts together in a case. Every write follows from what is known of the case, and says what
//! holds after it; so a write without an answer leaves two pictures, and after the kill the host must show one of them.

pub(super) mod api;
pub(super) mod case;
pub(super) mod facts;
pub(super) mod verify;
pub(super) mod writer;
