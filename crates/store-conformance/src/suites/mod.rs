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
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod once;
pub(crate) mod pairs;
pub(crate) mod standing;
pub(crate) mod strings;
pub(crate) mod throttle;
pub(crate) mod tickets;
pub(crate) mod transfers;
pub(crate) mod uniqueness;
pub(crate) mod visibility;
