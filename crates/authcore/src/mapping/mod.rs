//! Which logins belong together: the rules of linking and unlinking, as pure functions on one account.

mod link;
mod ticket;
mod unlink;

pub use ticket::{ForcingTicket, TicketOffer};

pub(crate) use link::{LinkRequest, link};
pub(crate) use unlink::{Which, unlink};
