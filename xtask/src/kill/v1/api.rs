use serde_json::{Value, json};

use super::facts::Identity;
use crate::kill::http::{Answer, Asked, Client, Grant, bearer};

/// What the host is given as its operators' key.
pub(crate) const OPERATOR_KEY: &str = "an operator key for kills";

/// The calls under `/v1/` that the writers make.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
}

impl Api {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) fn login(&self, identity: &Identity, create: bool) -> Asked {
        let body = json!({ "credential": credential(identity), "create": create });
        self.client.post("/v1/login", "", &body)
    }

    pub(crate) fn refresh(&self, token: &str) -> Asked {
        self.client.post("/v1/refresh", "", &json!({ "token": token }))
    }

    pub(crate) fn account(&self, access: &str) -> Asked {
        self.client.get("/v1/account", &bearer(access))
    }

    pub(crate) fn link(&self, access: &str, identity: &Identity) -> Asked {
        self.by_player("/v1/links", access, &json!({ "credential": credential(identity) }))
    }

    pub(crate) fn force_link(&self, access: &str, ticket: &str) -> Asked {
        self.by_player("/v1/links/forced", access, &json!({ "ticket": ticket }))
    }

    pub(crate) fn issue_transfer_account(&self, access: &str) -> Asked {
        self.by_player("/v1/transfer-account", access, &json!({}))
    }

    pub(crate) fn renew_transfer_account(&self, access: &str) -> Asked {
        let body = json!({ "renew": "id_and_password" });
        self.client.put("/v1/transfer-account", &bearer(access), &body)
    }

    /// From this address: the host counts the tries of each.
    pub(crate) fn transfer(&self, id: &str, to: &Identity, address: &str) -> Asked {
        let body = json!({ "id": id, "guest": to.subject });
        self.client.post_from(address, "/v1/transfer", &body)
    }

    pub(crate) fn request_withdrawal(&self, access: &str) -> Asked {
        self.by_player("/v1/withdrawal", access, &json!({}))
    }

    pub(crate) fn cancel_withdrawal(&self, access: &str) -> Asked {
        self.client.delete("/v1/withdrawal", &bearer(access))
    }

    pub(crate) fn withdraw(&self, access: &str) -> Asked {
        self.by_player("/v1/withdrawal/now", access, &json!({}))
    }

    pub(crate) fn ban(&self, account: &str) -> Asked {
        self.by_operator(account, "ban")
    }

    pub(crate) fn unban(&self, account: &str) -> Asked {
        self.by_operator(account, "unban")
    }

    pub(crate) fn look_up(&self, account: &str) -> Asked {
        let path = format!("/v1/operator/accounts/{account}");
        self.client.get(&path, &bearer(OPERATOR_KEY))
    }

    fn by_operator(&self, account: &str, does: &str) -> Asked {
        let path = format!("/v1/operator/accounts/{account}/{does}");
        self.client.post(&path, &bearer(OPERATOR_KEY), &json!({}))
    }

    fn by_player(&self, path: &str, access: &str, body: &Value) -> Asked {
        self.client.post(path, &bearer(access), body)
    }
}

fn credential(identity: &Identity) -> Value {
    json!({ "provider": identity.provider, "id": identity.subject })
}

impl Answer {
    /// The account and the tokens of a 200 under `/v1/`.
    pub(crate) fn v1_grant(&self) -> Option<Grant> {
        Some(Grant {
            account: self.text("/account/id").filter(|_| self.status == 200)?.to_owned(),
            access: self.text("/tokens/access")?.to_owned(),
            refresh: self.text("/tokens/refresh")?.to_owned(),
            created: self.body.get("created") == Some(&Value::Bool(true)),
        })
    }

    /// The stable code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.text("/error/code").unwrap_or_default()
    }
}
