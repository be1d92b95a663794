//! The cases, a suite a file. A case is an `async fn` of a [`Trial`](crate::trial::Trial), and stands in
//! [the list](crate::__cases).

pub(crate) mod atomicity;
pub(crate) mod codes;
pub(crate) mod concurrency;
pub(crate) mod conflicts;
pub(crate) mod contract;
pub(crate) mod documents;
pub(crate) mod due;
pub(crate) mod durability;
pub(crate) mod history;
pub(crate) mod migrations;
pub(crate) mod once;
pub(crate) mod outbox;
pub(crate) mod paging;
pub(crate) mod pairs;
pub(crate) mod sessions;
pub(crate) mod standing;
pub(crate) mod strings;
pub(crate) mod throttles;
pub(crate) mod tickets;
pub(crate) mod time;
pub(crate) mod transfers;
pub(crate) mod uniqueness;
pub(crate) mod visibility;
