use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use authcore::{Credential, Done, Hooks, Intent, Login, Policy, Refusal, RequestContext};
use authcore_store_memory::MemoryStore;
use authcore_testkit::Harness;

use crate::{block_on, device, log_in, refusal, try_log_in};

/// Swaps, refuses and vetoes by the device's id; counts what is done.
#[derive(Debug, Default)]
struct House(Arc<AtomicUsize>);

#[async_trait]
impl Hooks for House {
    async fn before_login(&self, _: &RequestContext, mut login: Login) -> Result<Login, Refusal> {
        let Credential::Device(id) = &login.credential else {
            return Ok(login);
        };
        match id.reveal() {
            "swapped-device" => {
                login.credential = Credential::Device("the-real-device".into());
                login.username = Some("renamed".into());
                login.server_vars.insert("from".into(), "host".into());
                Ok(login)
            }
            "closed-device" => Err(Refusal::Disabled),
            "refused-device" => Err(Refusal::Host { code: Some(3), text: "no".into() }),
            _ => Ok(login),
        }
    }

    fn veto(&self, _: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
        match intent {
            Intent::Create(account) if account.identities[0].key.subject() == "vetoed-device" => {
                Err(Refusal::Host { code: Some(7), text: "closed for sign-up".into() })
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, _: &RequestContext, done: &Done<'_>) {
        if let Done::Login(_) = done {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn nakama_h1_h2_a_host_swaps_refuses_vetoes_and_hears_what_was_done() {
    block_on(async {
        let heard = Arc::new(AtomicUsize::new(0));
        let house = House(Arc::clone(&heard));
        let store = Arc::new(MemoryStore::new());
        let world = Harness::on(store, Policy::nakama(), |builder| builder.hooks(house)).await;
        let swapped = log_in(world.engine(), device("swapped-device")).await;
        assert_eq!(&*swapped.account.username.unwrap().shown, "renamed");
        assert_eq!(swapped.session.server_vars["from"], "host");
        let real = log_in(world.engine(), device("the-real-device")).await;
        assert_eq!(real.account.id, swapped.account.id);
        let closed = try_log_in(world.engine(), device("closed-device")).await;
        assert_eq!(refusal(closed), Refusal::Disabled);
        let refused = try_log_in(world.engine(), device("refused-device")).await;
        assert_eq!(refusal(refused), Refusal::Host { code: Some(3), text: "no".into() });
        let vetoed = try_log_in(world.engine(), device("vetoed-device")).await;
        assert!(matches!(refusal(vetoed), Refusal::Host { code: Some(7), .. }));
        assert_eq!(heard.load(Ordering::SeqCst), 2);
    });
}
