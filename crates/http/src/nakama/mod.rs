//! The HTTP dialect that Nakama clients speak.

mod transport;
