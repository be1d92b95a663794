use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::server::Host;

/// Steam's Web API, and the tickets that it knows.
#[derive(Clone, Debug)]
pub struct FakeSteam {
    /// What it answers to a ticket of our app and identity, by the ticket.
    pub tickets: Arc<Mutex<HashMap<String, Value>>>,
    /// What it answers for the friends; with 401 where they are private.
    pub friends: Arc<Mutex<Option<Value>>>,
}

impl FakeSteam {
    /// The app of its tickets.
    pub const APP: u32 = 480;
    /// The only key that it knows.
    pub const KEY: &str = "0123PUBLISHERKEY";
    /// The identity of its tickets.
    pub const IDENTITY: &str = "chess";
    /// Who its good ticket is of.
    pub const SUBJECT: &str = "76561198000000001";
    /// A good ticket.
    pub const TICKET: &str = "14000000ab";
    /// A ticket of another app.
    pub const FOREIGN: &str = "14000000fa";
    /// Where tickets are checked.
    pub const AUTHENTICATE: &str = "/ISteamUserAuth/AuthenticateUserTicket/v1/";
    /// Where friends are.
    pub const FRIENDS: &str = "/ISteamUser/GetFriendList/v1/";
    /// Where profiles are.
    pub const SUMMARIES: &str = "/ISteamUser/GetPlayerSummaries/v2/";

    /// With a good ticket and a foreign one.
    #[must_use]
    pub fn new() -> Self {
        let tickets = HashMap::from([
            (Self::TICKET.to_owned(), Self::params(Self::SUBJECT)),
            (Self::FOREIGN.to_owned(), Self::error(102)),
        ]);
        let friends = json!({"friendslist": {"friends": [
            {"steamid": "76561198000000002", "relationship": "friend", "friend_since": 1},
            {"steamid": "76561198000000003", "relationship": "friend", "friend_since": 2},
        ]}});
        Self {
            tickets: Arc::new(Mutex::new(tickets)),
            friends: Arc::new(Mutex::new(Some(friends))),
        }
    }

    /// The answer for a good ticket of this player.
    #[must_use]
    pub fn params(steam_id: &str) -> Value {
        json!({"response": {"params": {"result": "OK", "steamid": steam_id,
            "ownersteamid": steam_id, "vacbanned": false, "publisherbanned": false}}})
    }

    /// The answer with an error.
    #[must_use]
    pub fn error(code: i64) -> Value {
        json!({"response": {"error": {"errorcode": code, "errordesc": "Invalid ticket"}}})
    }

    /// Answers to a ticket with this.
    pub fn set(&self, ticket: &str, answer: Value) {
        self.tickets.lock().unwrap().insert(ticket.into(), answer);
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let (tickets, friends) = (Arc::clone(&self.tickets), Arc::clone(&self.friends));
        let authenticate = move |query| async move { authenticate(&tickets, &query) };
        let friends = move |Query(query): Query<HashMap<String, String>>| async move {
            let list = friends.lock().unwrap().clone();
            match list {
                _ if !has_key(&query) => StatusCode::FORBIDDEN.into_response(),
                Some(list) => json_answer(&list),
                None => StatusCode::UNAUTHORIZED.into_response(),
            }
        };
        let summaries = |Query(query): Query<HashMap<String, String>>| async move {
            if !has_key(&query) {
                return StatusCode::FORBIDDEN.into_response();
            }
            json_answer(&json!({"response": {"players": [{"steamid": query["steamids"],
                "personaname": "Gordon", "avatarfull": "https://avatars.example/g.jpg"}]}}))
        };
        let routes = Router::new()
            .route(Self::AUTHENTICATE, get(authenticate))
            .route(Self::FRIENDS, get(friends))
            .route(Self::SUMMARIES, get(summaries));
        vec![("partner.steam-api.com".into(), routes)]
    }
}

fn authenticate(
    tickets: &Mutex<HashMap<String, Value>>,
    Query(query): &Query<HashMap<String, String>>,
) -> Response {
    if !has_key(query) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let is = |name: &str, value: &str| query.get(name).is_some_and(|found| found == value);
    if !is("appid", &FakeSteam::APP.to_string()) {
        return json_answer(&FakeSteam::error(102));
    }
    let tickets = tickets.lock().unwrap();
    let known = query.get("ticket").and_then(|ticket| tickets.get(ticket));
    // Where an identity is sent, a ticket that was made with another is none.
    let known = known.filter(|_| query.get("identity").is_none_or(|at| at == FakeSteam::IDENTITY));
    json_answer(known.unwrap_or(&FakeSteam::error(101)))
}

fn has_key(query: &HashMap<String, String>) -> bool {
    query.get("key").is_some_and(|key| key == FakeSteam::KEY)
}

fn json_answer(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json; charset=UTF-8")], value.to_string()).into_response()
}

impl Default for FakeSteam {
    fn default() -> Self {
        Self::new()
    }
}
