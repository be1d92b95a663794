//! The routes under `/v1/`, over HTTP; `docs/http.md` holds what each of them does.

mod operators;
mod players;
mod requests;
mod server;
