//! What operators may do.

mod accounts;
mod bans;
mod game;
mod identities;
mod transfers;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};

use super::Door;

pub(super) fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route("/v1/operator/accounts/{id}", get(accounts::get))
        .route("/v1/operator/accounts/{id}/export", get(accounts::export))
        .route("/v1/operator/accounts/{id}/end-sessions", post(accounts::end_sessions))
        .route("/v1/operator/accounts/{id}/withdraw", post(accounts::withdraw))
        .route("/v1/operator/accounts/{id}/restore", post(accounts::restore))
        .route("/v1/operator/accounts/{id}/ban", post(bans::ban))
        .route("/v1/operator/accounts/{id}/unban", post(bans::unban))
        .route("/v1/operator/accounts/{id}/payments", post(bans::payment))
        .route("/v1/operator/accounts/{id}/refunds", post(bans::refund))
        .route("/v1/operator/bans", post(bans::ban_many))
        .route("/v1/operator/unbans", post(bans::unban_many))
        .route("/v1/operator/look-up", post(accounts::look_up))
        .route("/v1/operator/accounts/{id}/identities", post(identities::register))
        .route("/v1/operator/accounts/{id}/identities/{ordinal}", delete(identities::unlink))
        .route("/v1/operator/identities/move", post(identities::r#move))
        .route("/v1/operator/identities/consent-revoked", post(identities::consent_revoked))
        .route("/v1/operator/identities/account-deleted", post(identities::account_deleted))
        .route("/v1/operator/accounts/{id}/transfer-account/unblock", post(transfers::unblock))
        .route("/v1/operator/accounts/{id}/transfer-account/reissue", post(transfers::reissue))
        .route("/v1/operator/transfer-accounts/validate", post(transfers::validate))
        .route("/v1/operator/closure", put(game::close).delete(game::open))
        .route("/v1/operator/kickout", post(game::kickout))
        .route("/v1/operator/end-all-sessions", post(game::end_all_sessions))
        .route("/v1/operator/events", get(game::events))
}
