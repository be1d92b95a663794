use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_verifiers::{Call, Claims, ConfigError, ExternalAnswer, ExternalRequest, Outbound};
use chrono::TimeDelta;
use rhai::{Dynamic, Map};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::config::{ScriptConfig, check_secrets};
use crate::engine::{Program, STACK};
use crate::functions::Library;
use crate::outside::{Ask, Asks, Outside, claims};
use crate::value::{Secrets, to_json};

/// How often one run may ask the outside.
const ASKS: usize = 16;
/// How long a check waits for its turn, before its own time begins.
const PATIENCE: Duration = Duration::from_secs(1);
/// When to come again, where there was no turn.
const RETRY_AFTER: TimeDelta = TimeDelta::seconds(1);

/// Verifies by a script. The credential is what brainCloud's external authentication has (braincloud 7), as
/// [`Credential::external`](authcore::Credential::external) writes it.
///
/// Each check runs on a thread of its own, of which there are as many at once as the configuration says. Further ones wait a
/// second for their turn, and are then [`Unavailable`](VerifyError::Unavailable). Whoever has one has [`Call::TIME`] from then
/// on. When a check is dropped, its run ends after a few operations.
pub struct Script {
    provider: ProviderId,
    program: Arc<Program>,
    outside: Outside,
    turns: Arc<Semaphore>,
}

impl Script {
    /// Compiles the script, and asks nobody yet.
    ///
    /// ```
    /// use authcore_verifier_script::{Script, ScriptConfig, ScriptService};
    /// use authcore_verifiers::{Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let text = r#"
    ///     fn verify(data) {
    ///         let answer = get("accounts", ["players", data.externalId], #{ bearer: data.authenticationToken });
    ///         answer.status == 200 && answer.json.id == data.externalId
    ///     }
    /// "#;
    /// let mut config = ScriptConfig::new("portal", text);
    /// config.services.insert("accounts".into(), ScriptService::new("https://accounts.example/api"));
    /// let portal = Script::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the script does not compile (it names line and position) or has no `verify(data)`, or another
    /// field cannot be.
    pub fn new(config: ScriptConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = ProviderId::new(&config.provider)
            .map_err(|error| ConfigError::new("provider", error))?;
        if !(1..=256).contains(&config.parallel) {
            return Err(ConfigError::new("parallel", "it must be 1 to 256"));
        }
        check_secrets(&config.secrets)?;
        let program = Program::compile(&config.script, Library::new(config.secrets))?;
        Ok(Self {
            outside: Outside::new(&provider, config.services, config.tokens, outbound)?,
            provider,
            program: Arc::new(program),
            turns: Arc::new(Semaphore::new(config.parallel)),
        })
    }

    /// A turn to run. What is waited for it is no part of the check: a service would be blamed for time that it never had.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, VerifyError> {
        match timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(turn) => turn.map_err(VerifyError::unavailable),
            Err(_) => Err(VerifyError::Unavailable {
                retry_after: Some(RETRY_AFTER),
                source: "as many scripts run as may".into(),
            }),
        }
    }

    async fn check(
        &self,
        request: ExternalRequest,
        turn: OwnedSemaphorePermit,
        context: &VerifyContext,
        call: &Call,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let (asks, mut asked) = Asks::new();
        let (done, answer) = oneshot::channel();
        let (program, data) = (Arc::clone(&self.program), self.data(&request, context));
        let run = move || {
            // Whoever waited may be gone.
            let _ = done.send(program.run(data, asks));
            // Not before the run is over, also where nobody waits for it any more.
            drop(turn);
        };
        let name = format!("script {}", self.provider);
        let thread = thread::Builder::new().name(name).stack_size(STACK);
        thread.spawn(run).map_err(VerifyError::unavailable)?;

        let (mut proofs, mut left) = (Vec::new(), ASKS);
        while let Some(ask) = asked.recv().await {
            left = left
                .checked_sub(1)
                .ok_or_else(|| VerifyError::faulty("the script asks for too much"))?;
            proofs.extend(self.answer(ask, context, call).await?);
        }
        let panicked = |_| VerifyError::faulty("the script broke off");
        let identity =
            read(&answer.await.map_err(panicked)??)?.prove(&request.external_id, context)?;
        Ok(proofs.iter().fold(identity, |identity, claims: &Claims| claims.prove(identity)))
    }

    /// What the script is called with.
    fn data(&self, request: &ExternalRequest, context: &VerifyContext) -> Map {
        let token = request.authentication_token.reveal();
        Map::from([
            ("externalId".into(), request.external_id.as_str().into()),
            ("authenticationToken".into(), token.into()),
            ("provider".into(), self.provider.as_str().into()),
            ("now".into(), context.now().timestamp().into()),
        ])
    }

    /// Answers what the run asks, and says whose token it had verified, where it was that. Where there is no answer, the
    /// error is the check's.
    async fn answer(
        &self,
        ask: Ask,
        context: &VerifyContext,
        call: &Call,
    ) -> Result<Option<Claims>, VerifyError> {
        // A run does not end while it waits for an answer, so there is somebody to take it.
        match ask {
            Ask::Http(request, reply) => {
                let _ = reply.send(self.outside.fetch(&request, call).await?);
                Ok(None)
            }
            Ask::Token { issuer, token, reply } => {
                let found = self.outside.verify(&issuer, &token, context, call).await?;
                let _ = reply.send(claims(&found)?);
                Ok(Some(found))
            }
        }
    }
}

/// Reads what the script returned.
fn read(value: &Dynamic) -> Result<ExternalAnswer, VerifyError> {
    let json = to_json(value, Secrets::Refuse)
        .ok_or_else(|| VerifyError::faulty("the script answers something that has no JSON"))?;
    ExternalAnswer::from_json(&json.to_string()).map_err(|error| VerifyError::Faulty(error.into()))
}

#[async_trait]
impl Verifier for Script {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let request = ExternalRequest::read(credential)?;
        let turn = self.turn().await?;
        let call = Call::starting(context.now());
        let checked = call.limit(self.check(request, turn, context, &call)).await;
        checked.unwrap_or_else(|_| Err(VerifyError::unavailable("the script took too long")))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({})", self.provider)
    }
}
