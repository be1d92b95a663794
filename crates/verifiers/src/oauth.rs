//! What the providers share that speak OAuth 2.0 without signed tokens.

use authcore::Secret;
use authcore::verifier::VerifyError;
use authcore_jose::from_strict_json;
use serde::Deserialize;

use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, ProviderClient};

/// What a client presents, by its name: `{"access_token":"..."}`, or `{"code":"..."}` with what belongs to the code.
pub(crate) enum OAuthCredential {
    AccessToken(Secret),
    Code(Code),
}

/// An authorization code, good for one use.
pub(crate) struct Code {
    text: Secret,
    verifier: Option<Secret>,
    state: Option<Secret>,
}

#[derive(Deserialize)]
struct Fields {
    access_token: Option<Secret>,
    code: Option<Secret>,
    code_verifier: Option<Secret>,
    state: Option<Secret>,
}

impl OAuthCredential {
    /// Reads one. What is both, or neither, is malformed: one input has one meaning (providers.md 3.3).
    pub(crate) fn read(credential: &Secret) -> Result<Self, VerifyError> {
        let fields: Fields =
            from_strict_json(credential.reveal().as_bytes()).map_err(|_| Reason::Malformed)?;
        match (fields.access_token, fields.code) {
            (Some(token), None) => Ok(Self::AccessToken(opaque(token)?)),
            (None, Some(code)) => Ok(Self::Code(Code {
                text: opaque(code)?,
                verifier: fields.code_verifier.map(opaque).transpose()?,
                state: fields.state.map(opaque).transpose()?,
            })),
            _ => Err(Reason::Malformed.into()),
        }
    }

    /// Whether a JSON object names an access token or a code, and so is no [`TokenCredential`](crate::TokenCredential).
    pub(crate) fn is_one(credential: &Secret) -> bool {
        let fields = from_strict_json::<Fields>(credential.reveal().as_bytes());
        fields.is_ok_and(|fields| fields.access_token.is_some() || fields.code.is_some())
    }
}

/// Only what can stand in a header is sent to a provider.
pub(crate) fn opaque(secret: Secret) -> Result<Secret, Reason> {
    let text = secret.reveal();
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(secret) } else { Err(Reason::Malformed) }
}

/// A subject that a provider names in an answer (providers.md J11).
pub(crate) fn named(subject: &str) -> Result<&str, Reason> {
    let fits = (1..=255).contains(&subject.len()) && !subject.chars().any(char::is_control);
    if fits { Ok(subject) } else { Err(Reason::SubjectMissing) }
}

/// Our id and secret at a provider, with which codes are exchanged for tokens.
#[derive(Debug)]
pub(crate) struct CodeExchange {
    client: ProviderClient,
    endpoint: Endpoint,
    client_id: String,
    client_secret: Secret,
    /// Sent where it is not empty: the one that the client began with.
    redirect_uri: String,
    /// Whether id and secret go into a header, and not into the form.
    in_header: bool,
}

/// What a code is exchanged for.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    #[serde(default)]
    pub(crate) access_token: Secret,
    pub(crate) id_token: Option<Secret>,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

impl CodeExchange {
    pub(crate) fn new(
        client: ProviderClient,
        token_url: &str,
        client_id: String,
        client_secret: Secret,
    ) -> Result<Self, ConfigError> {
        ConfigError::unless_given("client_id", &client_id)?;
        ConfigError::unless_given("client_secret", client_secret.reveal())?;
        Ok(Self {
            client,
            endpoint: Endpoint::new("token_url", token_url)?,
            client_id,
            client_secret,
            redirect_uri: String::new(),
            in_header: false,
        })
    }

    pub(crate) fn redirecting_to(self, redirect_uri: &str) -> Self {
        Self { redirect_uri: redirect_uri.into(), ..self }
    }

    pub(crate) fn by_header(self) -> Self {
        Self { in_header: true, ..self }
    }

    /// Exchanges a code. It is sent once: whoever cannot tell what became of it needs a new one (providers.md H7).
    pub(crate) async fn exchange(&self, code: &Code, call: &Call) -> Result<Tokens, VerifyError> {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code.text.reveal())];
        if !self.redirect_uri.is_empty() {
            form.push(("redirect_uri", &self.redirect_uri));
        }
        if let Some(verifier) = &code.verifier {
            form.push(("code_verifier", verifier.reveal()));
        }
        if let Some(state) = &code.state {
            form.push(("state", state.reveal()));
        }
        let mut request = self.client.post(&self.endpoint);
        if self.in_header {
            request = request.basic(&self.client_id, self.client_secret.reveal());
        } else {
            form.push(("client_id", &self.client_id));
            form.push(("client_secret", self.client_secret.reveal()));
        }
        let answer = request.form(&form).send(call, Cap::Profile).await?;
        // Some refuse with status 200.
        if let Ok(TokenError { error }) = answer.json() {
            return Err(class(&error));
        }
        match answer.status() {
            200..300 => {
                let tokens: Tokens = answer.json()?;
                if tokens.access_token.is_empty() && tokens.id_token.is_none() {
                    return Err(HttpFault::NotUnderstood.into());
                }
                Ok(tokens)
            }
            401 => Err(VerifyError::faulty("the provider refuses our client id or secret")),
            _ => Err(Reason::Malformed.into()),
        }
    }
}

/// The class of a refusal: an answer of a token endpoint that is no success.
pub(crate) fn refusal(answer: &Answer) -> VerifyError {
    match answer.json() {
        Ok(TokenError { error }) => class(&error),
        Err(_) => HttpFault::NotUnderstood.into(),
    }
}

/// The class of a token endpoint's error (RFC 6749 5.2; providers.md 5).
fn class(error: &str) -> VerifyError {
    match error {
        "invalid_grant" => Reason::Revoked.into(),
        "invalid_client"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_scope"
        | "redirect_uri_mismatch" => VerifyError::faulty("the provider refuses our client"),
        "temporarily_unavailable" | "server_error" => HttpFault::NotUnderstood.into(),
        _ => Reason::Malformed.into(),
    }
}

/// Asks in the name of whoever the token is of.
pub(crate) async fn ask_as(
    client: &ProviderClient,
    endpoint: &Endpoint,
    token: &Secret,
    call: &Call,
) -> Result<Answer, HttpFault> {
    client.get(endpoint).bearer(token.reveal()).send(call, Cap::Profile).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_one_thing_and_fits_a_header() {
        let read = |json: &str| OAuthCredential::read(&json.into());
        assert!(matches!(read(r#"{"access_token":"a"}"#), Ok(OAuthCredential::AccessToken(_))));
        assert!(matches!(read(r#"{"code":"a","state":"b"}"#), Ok(OAuthCredential::Code(_))));
        for bad in [
            "",
            "token",
            "{}",
            r#"{"access_token":"a","code":"b"}"#,
            r#"{"access_token":"a","access_token":"b"}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nx: y"}"#,
            r#"{"access_token":7}"#,
            r#"{"code":"a","code_verifier":""}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_of_a_token_endpoint_has_its_class() {
        assert!(matches!(class("invalid_grant"), VerifyError::Rejected("revoked")));
        assert!(matches!(class("invalid_client"), VerifyError::Faulty(_)));
        assert!(matches!(class("server_error"), VerifyError::Unavailable { .. }));
        assert!(matches!(class("of our own"), VerifyError::Rejected("malformed")));
    }
}
