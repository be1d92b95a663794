use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::http::{Answer, Asked, Client, Grant, bearer};

/// The calls of the Nakama dialect that the writers make.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    server_key: String,
}

impl Api {
    pub(crate) fn new(client: Client) -> Self {
        // The key of a host that runs with --dev.
        let server_key = format!("Basic {}", BASE64_STANDARD.encode("defaultkey:"));
        Self { client, server_key }
    }

    pub(crate) fn device(&self, id: &str, create: bool) -> Asked {
        self.authenticate("device", create, &json!({ "id": id }))
    }

    pub(crate) fn custom(&self, id: &str, create: bool) -> Asked {
        self.authenticate("custom", create, &json!({ "id": id }))
    }

    pub(crate) fn email(&self, email: &str, password: &str, create: bool) -> Asked {
        let body = json!({ "email": email, "password": password });
        self.authenticate("email", create, &body)
    }

    pub(crate) fn link(&self, access: &str, kind: &str, id: &str) -> Asked {
        let path = format!("/v2/account/link/{kind}");
        self.client.post(&path, &bearer(access), &json!({ "id": id }))
    }

    pub(crate) fn refresh(&self, token: &str) -> Asked {
        let path = "/v2/account/session/refresh";
        self.client.post(path, &self.server_key, &json!({ "token": token }))
    }

    pub(crate) fn logout(&self, access: &str, refresh: &str) -> Asked {
        let body = json!({ "token": access, "refresh_token": refresh });
        self.client.post("/v2/session/logout", &bearer(access), &body)
    }

    pub(crate) fn account(&self, access: &str) -> Asked {
        self.client.get("/v2/account", &bearer(access))
    }

    fn authenticate(&self, kind: &str, create: bool, body: &Value) -> Asked {
        let path = format!("/v2/account/authenticate/{kind}?create={create}");
        self.client.post(&path, &self.server_key, body)
    }
}

impl Answer {
    /// The tokens of a 200, or nothing when it carries none that can be read.
    pub(crate) fn grant(&self) -> Option<Grant> {
        let access = self.text("/token").filter(|_| self.status == 200)?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(access.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        Some(Grant {
            account: claims.get("uid")?.as_str()?.to_owned(),
            access: access.to_owned(),
            refresh: self.text("/refresh_token")?.to_owned(),
            created: self.body.get("created") == Some(&Value::Bool(true)),
        })
    }
}
