//! What token endpoints of OAuth 2.0 answer when they refuse (RFC 6749 5.2; providers.md 5).

use authcore::verifier::VerifyError;
use serde::Deserialize;

use crate::error::Reason;
use crate::http::{Answer, HttpFault};

/// The class of a refusal: an answer that is no success.
pub(crate) fn refusal(answer: &Answer) -> VerifyError {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    let Ok(refused) = answer.json::<Refused>() else {
        return HttpFault::NotUnderstood.into();
    };
    match refused.error.as_str() {
        // A code that is used, over, or of another client: they look alike.
        "invalid_grant" => Reason::Revoked.into(),
        "invalid_client"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_scope"
        | "redirect_uri_mismatch" => VerifyError::faulty("the token endpoint refuses our client"),
        "temporarily_unavailable" | "server_error" => HttpFault::NotUnderstood.into(),
        _ => Reason::Malformed.into(),
    }
}
