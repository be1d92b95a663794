use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::typestate::WithBody;
use ureq::{Agent, RequestBuilder};

use super::outage::Outage;
use crate::clock::Moment;

/// How long to wait for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The same of a host that waits for its database; after thirty seconds it gives up by itself.
const LATE_ANSWER: Duration = Duration::from_secs(40);

/// Sends requests to a host that may be gone at any moment.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    address: String,
    outage: Option<Arc<Outage>>,
}

/// No whole answer came: what was asked may have happened or not.
#[derive(Debug)]
pub(crate) struct Unanswered(pub(crate) String);

pub(crate) type Asked = Result<Answer, Unanswered>;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// What a login or a refresh gives.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) created: bool,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { agent: agent(ANSWER), address: address.to_owned(), outage: None }
    }

    /// For a host that lives through an outage of its database: what it answers meanwhile is noted, and a fault counts as
    /// no answer.
    pub(crate) fn through(self, outage: &Arc<Outage>) -> Self {
        Self { agent: agent(LATE_ANSWER), outage: Some(Arc::clone(outage)), ..self }
    }

    pub(super) fn notes_outage(&self) -> bool {
        self.outage.is_some()
    }

    pub(crate) fn get(&self, path: &str, authorization: &str) -> Asked {
        let request = self.agent.get(format!("{}{path}", self.address));
        self.ask(|| request.header("authorization", authorization).call())
    }

    pub(crate) fn delete(&self, path: &str, authorization: &str) -> Asked {
        let request = self.agent.delete(format!("{}{path}", self.address));
        self.ask(|| request.header("authorization", authorization).call())
    }

    pub(crate) fn put(&self, path: &str, authorization: &str, body: &Value) -> Asked {
        self.send(self.agent.put(format!("{}{path}", self.address)), authorization, body)
    }

    pub(crate) fn post(&self, path: &str, authorization: &str, body: &Value) -> Asked {
        self.send(self.agent.post(format!("{}{path}", self.address)), authorization, body)
    }

    /// Posts for nobody, as a proxy in front of the host does it for a client at this address.
    pub(crate) fn post_from(&self, client: &str, path: &str, body: &Value) -> Asked {
        let request = self.agent.post(format!("{}{path}", self.address));
        self.send(request.header("x-forwarded-for", client), "", body)
    }

    /// Without an authorization where it is empty.
    fn send(&self, request: RequestBuilder<WithBody>, authorization: &str, body: &Value) -> Asked {
        let mut request = request.header("content-type", "application/json");
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        self.ask(|| request.send(body.to_string()))
    }

    fn ask(
        &self,
        request: impl FnOnce() -> Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Asked {
        let asked = Moment::now();
        let answer = read(request());
        match &self.outage {
            Some(outage) => outage.note(asked, answer),
            None => answer,
        }
    }
}

impl Answer {
    /// For findings. The tokens of an answer stay out of it.
    pub(crate) fn describe(&self) -> String {
        let message = self.text("/message").or_else(|| self.text("/error/code"));
        format!("{} {}", self.status, message.unwrap_or_default())
    }

    /// The text at this place of the body.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }
}

pub(crate) fn bearer(access: &str) -> String {
    format!("Bearer {access}")
}

fn agent(patience: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into()
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
