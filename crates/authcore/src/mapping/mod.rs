//! Which logins belong together: the rules of linking and unlinking, as pure functions on one account.

mod link;
mod unlink;

pub(crate) use link::{LinkRequest, link};
pub(crate) use unlink::{Which, unlink};
