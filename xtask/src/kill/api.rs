use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ureq::Agent;

/// The calls of the Nakama dialect that the writers make.
#[derive(Clone)]
pub(crate) struct Api {
    agent: Agent,
    address: String,
    server_key: String,
}

/// No whole answer came: what was asked may have happened or not.
#[derive(Debug)]
pub(crate) struct Unanswered(pub(crate) String);

pub(crate) type Asked = Result<Answer, Unanswered>;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Value,
}

/// What a login or a refresh gives.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) created: bool,
}

impl Api {
    pub(crate) fn new(address: &str) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        Self {
            agent,
            address: address.to_owned(),
            // The key of a host that runs with --dev.
            server_key: format!("Basic {}", BASE64_STANDARD.encode("defaultkey:")),
        }
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
        self.post(&path, &bearer(access), &json!({ "id": id }))
    }

    pub(crate) fn refresh(&self, token: &str) -> Asked {
        let path = "/v2/account/session/refresh";
        self.post(path, &self.server_key, &json!({ "token": token }))
    }

    pub(crate) fn logout(&self, access: &str, refresh: &str) -> Asked {
        let body = json!({ "token": access, "refresh_token": refresh });
        self.post("/v2/session/logout", &bearer(access), &body)
    }

    pub(crate) fn account(&self, access: &str) -> Asked {
        let request = self.agent.get(format!("{}/v2/account", self.address));
        read(request.header("authorization", bearer(access)).call())
    }

    fn authenticate(&self, kind: &str, create: bool, body: &Value) -> Asked {
        let path = format!("/v2/account/authenticate/{kind}?create={create}");
        self.post(&path, &self.server_key, body)
    }

    fn post(&self, path: &str, authorization: &str, body: &Value) -> Asked {
        let request = self
            .agent
            .post(format!("{}{path}", self.address))
            .header("content-type", "application/json")
            .header("authorization", authorization);
        read(request.send(body.to_string()))
    }
}

impl Answer {
    /// The tokens of a 200, or nothing when it carries none that can be read.
    pub(crate) fn grant(&self) -> Option<Grant> {
        let text = |name| self.body.get(name).and_then(Value::as_str);
        let access = text("token").filter(|_| self.status == 200)?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(access.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        Some(Grant {
            account: claims.get("uid")?.as_str()?.to_owned(),
            access: access.to_owned(),
            refresh: text("refresh_token")?.to_owned(),
            created: self.body.get("created") == Some(&Value::Bool(true)),
        })
    }

    /// For findings. The tokens of an answer stay out of it.
    pub(crate) fn describe(&self) -> String {
        let message = self.body.get("message").and_then(Value::as_str);
        format!("{} {}", self.status, message.unwrap_or_default())
    }
}

fn bearer(access: &str) -> String {
    format!("Bearer {access}")
}

fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Asked {
    let unanswered = |error: ureq::Error| Unanswered(error.to_string());
    let mut response = response.map_err(unanswered)?;
    // An answer that breaks off is none.
    let text = response.body_mut().read_to_string().map_err(unanswered)?;
    Ok(Answer {
        status: response.status().as_u16(),
        body: serde_json::from_str(&text).unwrap_or_default(),
    })
}
