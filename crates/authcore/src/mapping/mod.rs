//! Which logins belong together: the rules of linking, unlinking and taking by force, as pure functions on one
//! or two accounts.

mod change;
mod link;
mod take;
mod ticket;
mod unlink;

pub use ticket::{ForcingTicket, TICKET, TicketEvent, TicketOffer, TicketState};

pub(crate) use change::Change;
pub(crate) use link::{LinkRequest, link};
pub(crate) use take::take;
pub(crate) use ticket::{issue, present, use_up};
pub(crate) use unlink::{UnlinkRequest, Which, unlink};
