//! What players may do, and what providers tell of them.

mod account;
mod links;
mod login;
mod nonces;
mod notices;
mod transfer;
mod withdrawal;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

use super::Door;

pub(super) fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route("/v1/login", post(login::login))
        .route("/v1/resume", post(login::resume))
        .route("/v1/refresh", post(login::refresh))
        .route("/v1/logout", post(login::logout))
        .route("/v1/account", get(account::get).patch(account::update).delete(account::delete))
        .route("/v1/account/export", get(account::export))
        .route("/v1/sessions", get(account::sessions))
        .route("/v1/links", get(links::list).post(links::link))
        .route("/v1/links/{provider}", delete(links::unlink))
        .route("/v1/links/forced", post(links::link_forcibly))
        .route("/v1/change-login", post(links::change_login))
        .route("/v1/merge", post(links::merge))
        .route("/v1/merge/preview", post(links::merge_preview))
        .route("/v1/withdrawal", post(withdrawal::request).delete(withdrawal::cancel))
        .route("/v1/withdrawal/now", post(withdrawal::at_once))
        .route(
            "/v1/transfer-account",
            get(transfer::get).post(transfer::issue).put(transfer::renew),
        )
        .route("/v1/transfer", post(transfer::transfer))
        .route("/v1/nonces", post(nonces::issue))
        .route("/v1/notices/{provider}", post(notices::take))
}
