use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Path};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, body::Bytes};
use serde_json::{Value, json};

use crate::server::Host;

/// Google's token endpoint and Play Games, with codes that are good once.
#[derive(Clone, Debug)]
pub struct FakeGooglePlayGames(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The codes that are good, each with the game that it is for and the answer of `players/me`.
    codes: HashMap<String, (String, Value)>,
    used: HashSet<String>,
    /// What the token is good for, by the token.
    tokens: HashMap<String, (String, Value)>,
    /// What is answered in place of the truth, by the path's end.
    instead: HashMap<&'static str, (u16, Value)>,
}

impl FakeGooglePlayGames {
    /// The OAuth client of the game server.
    pub const CLIENT: &str = "1-web.apps.googleusercontent.com";
    /// That client's secret.
    pub const SECRET: &str = "client-secret-1";
    /// The game.
    pub const APPLICATION: &str = "42";
    /// Who its good code is of.
    pub const PLAYER: &str = "a_1";
    /// Where codes are exchanged.
    pub const TOKEN: &str = "/token";
    /// Where a token's game is told.
    pub const VERIFY: &str = "/games/v1/applications/42/verify";
    /// Where the player is told.
    pub const ME: &str = "/games/v1/players/me";

    /// Without codes yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// What is told of a player, with the id of before where there was one.
    #[must_use]
    pub fn player(id: &str, original: Option<&str>) -> Value {
        json!({"kind": "games#player", "playerId": id, "displayName": "Pia",
            "avatarImageUrl": "https://lh3.example/p.png", "originalPlayerId": original})
    }

    /// Gives out a code for this player of this game.
    #[must_use]
    pub fn code(&self, code: &str, application: &str, player: Value) -> String {
        self.0.lock().unwrap().codes.insert(code.into(), (application.into(), player));
        code.into()
    }

    /// Answers with this status and body to `token`, `verify` or `me`.
    pub fn answer(&self, what: &'static str, status: u16, body: Value) {
        self.0.lock().unwrap().instead.insert(what, (status, body));
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let state = Arc::clone(&self.0);
        let token = move |form: Form<HashMap<String, String>>| async move {
            exchange(&mut state.lock().unwrap(), &form)
        };
        let state = Arc::clone(&self.0);
        let verify = move |Path(game): Path<String>, headers: HeaderMap, _: Bytes| async move {
            let state = state.lock().unwrap();
            state.told("verify", &headers, |(application, player)| {
                (*application == game).then(|| {
                    json!({"kind": "games#applicationVerifyResponse",
                        "player_id": player["playerId"], "alternate_player_id": "alt"})
                })
            })
        };
        let state = Arc::clone(&self.0);
        let me = move |headers: HeaderMap| async move {
            state.lock().unwrap().told("me", &headers, |(_, player)| Some(player.clone()))
        };
        let games = Router::new()
            .route("/games/v1/applications/{game}/verify", get(verify))
            .route(Self::ME, get(me));
        vec![
            ("oauth2.googleapis.com".into(), Router::new().route(Self::TOKEN, post(token))),
            ("games.googleapis.com".into(), games),
        ]
    }
}

impl State {
    fn told(
        &self,
        what: &'static str,
        headers: &HeaderMap,
        tell: impl FnOnce(&(String, Value)) -> Option<Value>,
    ) -> Response {
        if let Some((status, body)) = self.instead.get(what) {
            return answer(*status, body);
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
        match token.and_then(|token| self.tokens.get(token)) {
            None => answer(401, &json!({"error": {"code": 401}})),
            Some(good_for) => match tell(good_for) {
                Some(told) => answer(200, &told),
                None => answer(401, &json!({"error": {"code": 401}})),
            },
        }
    }
}

fn exchange(state: &mut State, form: &HashMap<String, String>) -> Response {
    if let Some((status, body)) = state.instead.get("token") {
        return answer(*status, body);
    }
    let is = |name: &str, value: &str| form.get(name).is_some_and(|found| found == value);
    let ours = is("client_id", FakeGooglePlayGames::CLIENT)
        && is("client_secret", FakeGooglePlayGames::SECRET);
    if !ours {
        return answer(401, &json!({"error": "invalid_client"}));
    }
    let code = form.get("code").cloned().unwrap_or_default();
    match state.codes.get(&code).cloned() {
        Some(good_for)
            if is("grant_type", "authorization_code")
                && is("redirect_uri", "")
                && state.used.insert(code.clone()) =>
        {
            let token = format!("ya29.{code}");
            state.tokens.insert(token.clone(), good_for);
            let body = json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer",
                "scope": "https://www.googleapis.com/auth/games_lite"});
            answer(200, &body)
        }
        _ => answer(400, &json!({"error": "invalid_grant", "error_description": "Bad Request"})),
    }
}

fn answer(status: u16, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json; charset=UTF-8")];
    (StatusCode::from_u16(status).unwrap(), json, body.to_string()).into_response()
}

impl Default for FakeGooglePlayGames {
    fn default() -> Self {
        Self::new()
    }
}
