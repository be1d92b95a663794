//! Which logins belong together: the rules of linking, unlinking, taking by force and merging, as pure functions on one
//! or two accounts.

mod change;
mod device_link;
mod link;
mod merge;
mod take;
mod ticket;
mod unlink;

pub use merge::{MergeReport, MergeRule, MergeSide, MergedPassword, MostLogins, Survivor};
pub use ticket::{ForcingTicket, TICKET, TicketEvent, TicketOffer, TicketState};

pub(crate) use change::Change;
pub(crate) use device_link::follow;
pub(crate) use link::{LinkRequest, link, remove_all};
pub(crate) use merge::{Merged, merge};
pub(crate) use take::{Taken, take};
pub(crate) use ticket::{issue, present, use_up};
pub(crate) use unlink::{UnlinkRequest, Which, unlink};
