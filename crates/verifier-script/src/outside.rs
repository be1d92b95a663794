//! What a script asks of the outside. A run has a thread, and no part in the runtime: it hands what it asks to the task that
//! waits for the run, and is over when nobody waits any more.

use std::collections::BTreeMap;

use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifyContext, VerifyError};
use authcore_verifiers::{
    Answer, Call, Cap, Claims, ConfigError, Endpoint, HttpFault, Outbound, ProviderClient, Reason,
    TokenCredential, TokenVerifier,
};
use rhai::{Dynamic, EvalAltResult, Map, Position};
use tokio::sync::{mpsc, oneshot};

use crate::config::ScriptService;
use crate::value::{to_dynamic, to_map};

type Result<T> = std::result::Result<T, Box<EvalAltResult>>;

/// Something that the run waits for.
pub(crate) enum Ask {
    Http(HttpAsk, oneshot::Sender<HttpAnswer>),
    Token { issuer: String, token: Secret, reply: oneshot::Sender<Map> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// A request to a service.
pub(crate) struct HttpAsk {
    method: Method,
    service: String,
    path: Vec<String>,
    pub(crate) query: Vec<(String, Secret)>,
    pub(crate) bearer: Option<Secret>,
    pub(crate) form: Option<Vec<(String, Secret)>>,
    pub(crate) json: Option<Secret>,
}

impl HttpAsk {
    pub(crate) fn new(method: Method, service: &str, path: Vec<String>) -> Self {
        let (query, service) = (Vec::new(), service.to_owned());
        Self { method, service, path, query, bearer: None, form: None, json: None }
    }
}

/// What a service answered.
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// `()` where it is none.
    pub(crate) json: Dynamic,
}

/// The run's side.
#[derive(Clone)]
pub(crate) struct Asks(mpsc::Sender<Ask>);

impl Asks {
    /// With the other side of it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, asked) = mpsc::channel(1);
        (Self(asks), asked)
    }

    /// Whether nobody waits for the run any more.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_closed()
    }

    pub(crate) fn http(&self, request: HttpAsk) -> Result<HttpAnswer> {
        self.ask(|reply| Ask::Http(request, reply))
    }

    pub(crate) fn token(&self, issuer: &str, token: &str) -> Result<Map> {
        self.ask(|reply| Ask::Token { issuer: issuer.into(), token: token.into(), reply })
    }

    /// Where there is no answer, the other side has ended the check; no script catches that.
    fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.blocking_send(ask(reply)).ok();
        sent.and_then(|()| answer.blocking_recv().ok())
            .ok_or_else(|| EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
    }
}

/// All that a script can reach.
pub(crate) struct Outside {
    services: BTreeMap<String, Service>,
    tokens: BTreeMap<String, TokenVerifier>,
}

struct Service {
    client: ProviderClient,
    url: Endpoint,
    headers: BTreeMap<String, Secret>,
}

impl Outside {
    pub(crate) fn new(
        provider: &ProviderId,
        services: BTreeMap<String, ScriptService>,
        tokens: BTreeMap<String, TokenVerifier>,
        outbound: &Outbound,
    ) -> std::result::Result<Self, ConfigError> {
        let service = |(name, config): (String, ScriptService)| {
            let wrong = |problem| ConfigError::new("services", format!("{name}: {problem}"));
            config.check_headers().map_err(&wrong)?;
            let url = Endpoint::parse(&config.url).map_err(|problem| wrong(problem.into()))?;
            // A circuit breaker each: one that is down is no reason to leave another alone.
            let client = outbound.to(&format!("{provider}.{name}"));
            Ok((name, Service { client, url, headers: config.headers }))
        };
        Ok(Self {
            services: services.into_iter().map(service).collect::<std::result::Result<_, _>>()?,
            tokens,
        })
    }

    /// Asks a service. Its answer counts whatever its status; where there is none to use, the check is over.
    pub(crate) async fn fetch(
        &self,
        ask: &HttpAsk,
        call: &Call,
    ) -> std::result::Result<HttpAnswer, VerifyError> {
        let service = self.services.get(&ask.service).ok_or_else(|| {
            VerifyError::faulty("the script asks a service that the configuration does not name")
        })?;
        let path = ask.path.iter().map(String::as_str);
        let url = service.url.below(path).ok_or(Reason::UrlNotAllowed)?;
        let mut request = match ask.method {
            Method::Get => service.client.get(&url),
            Method::Post => service.client.post(&url),
        };
        for (name, value) in &service.headers {
            request = request.header(name, value.reveal());
        }
        if !ask.query.is_empty() {
            request = request.query(&revealed(&ask.query));
        }
        if let Some(token) = &ask.bearer {
            let token_is_one =
                |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
            if !token_is_one(token.reveal()) {
                return Err(Reason::Malformed.into());
            }
            request = request.bearer(token.reveal());
        }
        if let Some(form) = &ask.form {
            request = request.form(&revealed(form));
        } else if let Some(json) = &ask.json {
            request = request.body("application/json", json.reveal().into());
        }
        match request.send(call, Cap::Profile).await {
            Err(HttpFault::Redirect) => {
                Err(VerifyError::faulty("a service that the script asks redirects"))
            }
            answer => Ok(read(&answer?)?),
        }
    }

    /// Verifies a token by the rules of its issuer.
    pub(crate) async fn verify(
        &self,
        issuer: &str,
        token: &Secret,
        context: &VerifyContext,
        call: &Call,
    ) -> std::result::Result<Claims, VerifyError> {
        let verifier = self.tokens.get(issuer).ok_or_else(|| {
            VerifyError::faulty(
                "the script verifies tokens of whom the configuration does not name",
            )
        })?;
        verifier.verify(&TokenCredential::read(token)?, context, call).await
    }
}

/// The claims as a script has them.
pub(crate) fn claims(claims: &Claims) -> std::result::Result<Map, VerifyError> {
    to_map(claims.members().clone()).ok_or_else(|| Reason::Malformed.into())
}

fn revealed(pairs: &[(String, Secret)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect()
}

fn read(answer: &Answer) -> std::result::Result<HttpAnswer, HttpFault> {
    let not_understood = |_| HttpFault::NotUnderstood;
    let text = String::from_utf8(answer.bytes().to_vec()).map_err(not_understood)?;
    let json = if answer.is_json() && !text.is_empty() {
        to_dynamic(answer.json()?).ok_or(HttpFault::NotUnderstood)?
    } else {
        Dynamic::UNIT
    };
    Ok(HttpAnswer { status: answer.status(), text, json })
}
