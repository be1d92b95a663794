//! A provider that is played, a verifier of it and an engine, on a runtime of this thread's own.

use authcore::verifier::Verifier;
use authcore_fake_idp::{FakeIdp, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Outbound};
use tokio::runtime::{Builder, Runtime};

use crate::oracle::quotes;

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Somebody was let in; who, where that is told: of what is good once it is not told again.
pub(crate) struct Entered {
    pub(crate) subject: Option<String>,
}

pub(crate) struct Stage {
    runtime: Runtime,
    pub(crate) fake: FakeIdp,
    pub(crate) world: World,
}

impl Stage {
    pub(crate) fn new<V: Verifier>(
        hosts: Vec<Host>,
        verifier: impl FnOnce(&Outbound) -> Result<V, ConfigError>,
    ) -> Self {
        let runtime = runtime();
        let (fake, world) = runtime.block_on(async {
            let fake = FakeIdp::start(hosts).await;
            let world = World::new(verifier(&fake.outbound()).unwrap()).await;
            (fake, world)
        });
        Self { runtime, fake, world }
    }

    /// Whether this is let in.
    pub(crate) fn login(&self, credential: &str) -> Option<Entered> {
        self.fake.forget();
        let outcome = self.runtime.block_on(self.world.login(credential));
        let told = self.world.told();
        assert!(!quotes(&told, credential.as_bytes()), "an error quotes the credential: {told}");
        match outcome {
            Outcome::Accepted(subject) => Some(Entered { subject: Some(subject) }),
            Outcome::UsedUp => Some(Entered { subject: None }),
            _ => None,
        }
    }
}
