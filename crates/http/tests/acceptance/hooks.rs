//! What a host has to say (H1, H2).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use authcore::account::ProfileUpdate;
use authcore::{
    Authenticated, Credential, Done, FindAccounts, Hooks, Intent, Link, Login, Logout, Policy,
    Refresh, Refusal, RequestContext, Unlink,
};
use serde_json::json;

use crate::server::{NOBODY, Server, server_key};

const DEVICE: &str = "a-device-of-mine";

/// Does what the id of the device says, and keeps a diary.
#[derive(Clone, Debug, Default)]
struct Host {
    diary: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn note(&self, line: impl Into<String>) {
        self.diary.lock().unwrap().push(line.into());
    }

    fn diary(&self) -> Vec<String> {
        std::mem::take(&mut *self.diary.lock().unwrap())
    }

    fn server(&self) -> Server {
        let host = self.clone();
        Server::with(Policy::nakama(), |builder| builder.hooks(host))
    }
}

fn no(code: Option<i32>, text: &str) -> Refusal {
    Refusal::Host { code, text: text.to_owned() }
}

#[async_trait]
impl Hooks for Host {
    async fn before_login(
        &self,
        context: &RequestContext,
        mut login: Login,
    ) -> Result<Login, Refusal> {
        self.note("before login");
        assert_eq!(context.client_address, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let Credential::Device(id) = &login.credential else {
            return Ok(login);
        };
        match id.reveal() {
            "switch-it-off" => Err(Refusal::Disabled),
            "error-three" => Err(no(Some(3), "the host's own words")),
            "error-seven" => Err(no(Some(7), "not today")),
            "error-4711" => Err(no(Some(4711), "a code of its own")),
            "plain-error" => Err(no(None, "something broke")),
            "bad" => {
                login.credential = Credential::Device("a-better-device".into());
                login.username = Some("swapped".into());
                login.vars = [("swapped".to_owned(), "yes".to_owned())].into();
                Ok(login)
            }
            _ => Ok(login),
        }
    }

    async fn before_link(
        &self,
        _: &RequestContext,
        who: &Authenticated,
        link: Link,
    ) -> Result<Link, Refusal> {
        self.note(format!("before link of {}", who.token_username().unwrap_or_default()));
        match &link.credential {
            Credential::Custom(id) if id.reveal() == "bad" => {
                Ok(Link::new(Credential::Custom("a-better-custom-id".into())))
            }
            Credential::Custom(id) if id.reveal() == "switch-it-off" => Err(Refusal::Disabled),
            _ => Ok(link),
        }
    }

    async fn before_unlink(
        &self,
        _: &RequestContext,
        _: &Authenticated,
        _: Unlink,
    ) -> Result<Unlink, Refusal> {
        Err(Refusal::Disabled)
    }

    async fn before_refresh(&self, _: &RequestContext, _: Refresh) -> Result<Refresh, Refusal> {
        Err(no(Some(16), "no refresh today"))
    }

    async fn before_logout(
        &self,
        _: &RequestContext,
        _: &Authenticated,
        _: Logout,
    ) -> Result<Logout, Refusal> {
        Err(Refusal::Disabled)
    }

    async fn before_account(&self, _: &RequestContext, _: &Authenticated) -> Result<(), Refusal> {
        self.note("before account");
        Ok(())
    }

    async fn before_find_accounts(
        &self,
        _: &RequestContext,
        _: &Authenticated,
        _: FindAccounts,
    ) -> Result<FindAccounts, Refusal> {
        Err(Refusal::Disabled)
    }

    async fn before_update(
        &self,
        _: &RequestContext,
        _: &Authenticated,
        mut update: ProfileUpdate,
    ) -> Result<ProfileUpdate, Refusal> {
        update.display_name = update.display_name.map(|name| name.to_uppercase());
        Ok(update)
    }

    async fn before_delete(&self, _: &RequestContext, _: &Authenticated) -> Result<(), Refusal> {
        Err(no(Some(9), "nobody leaves"))
    }

    fn veto(&self, _: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
        match intent {
            Intent::Create(account)
                if account.username.as_ref().is_some_and(|name| &*name.shown == "vetoed") =>
            {
                Err(no(Some(7), "no such name here"))
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, _: &RequestContext, done: &Done<'_>) {
        self.note(match done {
            Done::Login(login) => format!("after login, created: {}", login.created),
            Done::Link(_) => "after link".into(),
            Done::Account(_) => "after account".into(),
            other => format!("{other:?}"),
        });
    }
}

#[test]
fn h1_a_hook_refuses() {
    let host = Host::default();
    let server = host.server();
    let gone = "Requested resource was not found.";
    server.authenticate_device("switch-it-off").refused(404, 5, gone);
    server.authenticate_device("error-three").refused(400, 3, "the host's own words");
    server.authenticate_device("error-seven").refused(403, 7, "not today");
    server.authenticate_device("plain-error").refused(500, 13, "something broke");
    server.authenticate_device("error-4711").refused(500, 4711, "a code of its own");
    assert_eq!(host.diary(), ["before login"; 5]);
}

#[test]
fn h1_a_hook_swaps_the_request() {
    let host = Host::default();
    let server = host.server();
    let body = json!({"id": "bad", "vars": {"mine": "1"}});
    let player = server.authenticate("device?username=mine", body).player();
    assert_eq!(player.username(), "swapped");
    assert_eq!(player.claims()["vrs"], json!({"swapped": "yes"}));
    let account = server.account(&player).ok();
    assert_eq!(account["devices"], json!([{"id": "a-better-device"}]));
    assert_eq!(server.device("a-better-device").id(), player.id());
}

#[test]
fn h1_14_2_what_is_not_swapped_is_checked_after_the_hook() {
    let host = Host::default();
    let server = host.server();
    server.authenticate_device("short").refused(400, 3, "Device ID invalid, must be 10-128 bytes.");
    assert_eq!(host.diary(), ["before login"]);
    // Without the key no hook is asked.
    let path = "/v2/account/authenticate/device";
    server.post(path, NOBODY, json!({"id": DEVICE})).refused(401, 16, "Server key required");
    assert_eq!(server.post(path, &server_key(), json!({"id": 1})).status, 400);
    assert_eq!(host.diary(), [""; 0]);
}

#[test]
fn h1_hooks_stand_before_every_call() {
    let host = Host::default();
    let server = host.server();
    let player = server.authenticate("device?username=ann", json!({"id": DEVICE})).player();
    let auth = player.bearer();
    let gone = "Requested resource was not found.";
    server.link(&player, "custom", json!({"id": "switch-it-off"})).refused(404, 5, gone);
    server.link(&player, "custom", json!({"id": "bad"})).done();
    server.unlink(&player, "custom", json!({})).refused(404, 5, gone);
    server.refresh(&player.refresh_token).refused(401, 16, "no refresh today");
    server.logout(&player, json!({})).refused(404, 5, gone);
    server.get("/v2/user", &auth).refused(404, 5, gone);
    server.delete("/v2/account", &auth).refused(400, 9, "nobody leaves");
    server.put("/v2/account", &auth, json!({"display_name": "Ann"})).done();
    host.diary();
    let account = server.account(&player).ok();
    assert_eq!(host.diary(), ["before account", "after account"]);
    assert_eq!(account["user"]["display_name"], "ANN");
    assert_eq!(account["custom_id"], "a-better-custom-id");
}

#[test]
fn differs_14_5_a_veto_stops_a_known_account_before_anything_is_written() {
    let host = Host::default();
    let server = host.server();
    let body = json!({"id": DEVICE});
    let answer = server.authenticate("device?username=vetoed", body);
    answer.refused(403, 7, "no such name here");
    let answer = server.authenticate("device?create=false", json!({"id": DEVICE}));
    answer.refused(404, 5, "User account not found.");
    assert_eq!(host.diary(), ["before login"; 2]);
}

#[test]
fn h2_what_runs_after_the_call_runs_once_and_only_on_success() {
    let host = Host::default();
    let server = host.server();
    let player = server.device(DEVICE);
    assert_eq!(host.diary(), ["before login", "after login, created: true"]);
    server.device(DEVICE);
    assert_eq!(host.diary(), ["before login", "after login, created: false"]);
    server.link(&player, "custom", json!({"id": "a-custom-id"})).done();
    let before = format!("before link of {}", player.username());
    assert_eq!(host.diary(), [&*before, "after link"]);
    assert_eq!(server.link(&player, "custom", json!({"id": "short"})).status, 400);
    assert_eq!(host.diary(), [&*before]);
}
