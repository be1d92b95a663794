use authcore::account::ProviderId;
use authcore::{Credential, Secret};
use serde::Deserialize;

use super::problem::Problem;

/// What a player presents. `provider` says which of the other members there must be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialBody {
    /// `device`, `custom`, `guest`, `email`, `username`, `universal`, or a verifier's name.
    provider: String,
    /// For `device`, `custom`, `guest` and `universal`.
    id: Option<Secret>,
    /// For `email`.
    email: Option<String>,
    /// For `username`.
    username: Option<String>,
    /// For `email`, `username` and `universal`.
    password: Option<Secret>,
    /// What a verifier takes, as text.
    credential: Option<Secret>,
    /// What an external verifier takes: the id that the client claims ...
    external_id: Option<String>,
    /// ... and the token that goes with it.
    token: Option<Secret>,
}

impl CredentialBody {
    /// What is missing is empty, and the engine says which rule that breaks.
    pub(super) fn credential(self) -> Result<Credential, Problem> {
        let id = self.id.unwrap_or_default();
        let password = self.password.unwrap_or_default();
        Ok(match self.provider.as_str() {
            "device" => Credential::Device(id),
            "custom" => Credential::Custom(id),
            "guest" => Credential::Guest(id),
            "email" => Credential::Email { email: self.email.unwrap_or_default(), password },
            "username" => {
                Credential::Username { username: self.username.unwrap_or_default(), password }
            }
            "universal" => Credential::Universal { id: id.reveal().into(), password },
            name => {
                let provider = ProviderId::new(name).map_err(|_| {
                    Problem::bad_body("a provider's name is 1 to 32 of a-z 0-9 _ -")
                })?;
                match self.external_id {
                    Some(id) => {
                        Credential::external(provider, &id, self.token.unwrap_or_default().reveal())
                    }
                    None => Credential::Provider {
                        provider,
                        payload: self.credential.unwrap_or_default(),
                    },
                }
            }
        })
    }
}
