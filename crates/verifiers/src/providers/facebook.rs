//! Facebook Login, by access token (providers.md 3.5).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{ProviderProfile, VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::facebook_limited::{FacebookLimited, FacebookLimitedConfig};
use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::friends::{FriendPage, read_friends};
use crate::hex::lower_hex;
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, Outbound, ProviderClient, Request};
use crate::profile::profile;

/// How long a token may be, in bytes.
const TOKEN: usize = 4096;

/// Which access tokens of Facebook count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FacebookConfig {
    /// The apps that a token may be for, with their secrets.
    pub apps: Vec<FacebookApp>,
    /// Whether the friends are asked for; the app needs `user_friends`.
    pub friends: bool,
    /// Where the Graph API is, with its version.
    pub graph_url: String,
    /// Whether, and which, tokens of Limited Login count beside access tokens. Their players are the same then: the ids of
    /// both are those of the app. It has no `provider` of its own, and its nonces are those of `facebook`.
    pub limited: Option<FacebookLimitedConfig>,
}

/// An app at Facebook.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is all that an app has")]
pub struct FacebookApp {
    /// The app's id.
    pub id: String,
    /// The app's secret.
    pub secret: Secret,
}

impl FacebookConfig {
    /// Facebook's own Graph API, for these apps.
    #[must_use]
    pub fn new(apps: Vec<FacebookApp>) -> Self {
        let graph_url = "https://graph.facebook.com/v22.0".into();
        Self { apps, friends: false, graph_url, limited: None }
    }
}

/// Verifies Facebook's access tokens; the subject is the app-scoped user id. It takes the bare token. The token of
/// Limited Login is another kind of credential: it is held to rules of its own where the configuration has them, and
/// refused otherwise. Which kind one is, its form tells, and what fails as one is not tried as the other.
#[derive(Debug)]
pub struct Facebook {
    provider: ProviderId,
    client: ProviderClient,
    apps: Vec<FacebookApp>,
    wants_friends: bool,
    debug_token: Endpoint,
    me: Endpoint,
    friends: Endpoint,
    limited: Option<FacebookLimited>,
}

impl Facebook {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Facebook, FacebookApp, FacebookConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let app = FacebookApp { id: "1234".into(), secret: "the app's secret".into() };
    /// let facebook = Facebook::new(FacebookConfig::new(vec![app]), &outbound)?;
    ///
    /// let any_app = Facebook::new(FacebookConfig::new(Vec::new()), &outbound);
    /// assert_eq!(any_app.err().map(|error| error.field()), Some("apps"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without an app, for an app without an id or secret, when the URL is none, and for a
    /// [`limited`](FacebookConfig::limited) that cannot be or has a name of its own.
    pub fn new(config: FacebookConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("facebook")?;
        let ids: Vec<_> = config.apps.iter().map(|app| app.id.clone()).collect();
        ConfigError::unless_named("apps", &ids)?;
        for app in &config.apps {
            ConfigError::unless_given("apps", app.secret.reveal())?;
        }
        if config.limited.as_ref().is_some_and(|limited| limited.provider.is_some()) {
            let problem = "its players are those of facebook, so it has no name of its own";
            return Err(ConfigError::new("limited.provider", problem));
        }
        let base = config.graph_url.trim_end_matches('/');
        let endpoint = |path| Endpoint::new("graph_url", &format!("{base}/{path}"));
        Ok(Self {
            client: outbound.to(provider.as_str()),
            debug_token: endpoint("debug_token")?,
            me: endpoint("me")?,
            friends: endpoint("me/friends")?,
            apps: config.apps,
            wants_friends: config.friends,
            limited: config.limited.map(|it| FacebookLimited::new(it, outbound)).transpose()?,
            provider,
        })
    }

    /// Which of our apps the token is for, and what Facebook says of it: `/me` alone would answer for any app's token.
    async fn inspect(
        &self,
        token: &str,
        call: &Call,
    ) -> Result<(&FacebookApp, Inspected), VerifyError> {
        for app in &self.apps {
            let app_token = format!("{}|{}", app.id, app.secret.reveal());
            let query = [("input_token", token), ("access_token", &app_token)];
            let answer =
                self.client.get(&self.debug_token).query(&query).send(call, Cap::Profile).await?;
            if let Some(error) = graph_error(&answer) {
                // An app may be asked about its own tokens only.
                if error.code == 100 {
                    continue;
                }
                return Err(error.of_our_own());
            }
            let Data { data } = answer.json()?;
            // Equal, not contained (CVE-2022-39231).
            if data.app_id.as_ref().is_none_or(|id| *id == app.id) {
                return Ok((app, data));
            }
        }
        Err(Reason::WrongApp.into())
    }

    /// The user's own word, under the app's proof that it holds the secret.
    fn as_user<'a>(&'a self, endpoint: &Endpoint, app: &FacebookApp, token: &str) -> Request<'a> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.reveal().as_bytes());
        let proof = lower_hex(hmac::sign(&key, token.as_bytes()).as_ref());
        self.client.get(endpoint).bearer(token).query(&[("appsecret_proof", &proof)])
    }

    async fn friends(&self, app: &FacebookApp, token: &str, call: &Call) -> Option<Vec<String>> {
        read_friends(|cursor| async move {
            let mut request = self.as_user(&self.friends, app, token);
            request = request.query(&[("fields", "id"), ("limit", "100")]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("after", cursor)]);
            }
            let answer = request.send(call, Cap::Friends).await?;
            let page: Page = answer.json()?;
            let paging = page.paging.unwrap_or_default();
            // The URL of the next page holds the token, and is not followed: that there is one says that there is more.
            let next = paging.next.and(paging.cursors).map(|cursors| cursors.after);
            let subjects = page.data.into_iter().map(|friend| friend.id).collect();
            Ok(FriendPage { subjects, next })
        })
        .await
    }
}

#[async_trait]
impl Verifier for Facebook {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let token = credential.reveal();
        if let Some(limited) = self.limited.as_ref().filter(|_| token.contains(['.', '{'])) {
            return limited.verify(credential, context).await;
        }
        check_form(token)?;
        let call = Call::starting(context.now());
        let (app, inspected) = self.inspect(token, &call).await?;
        let (user, end) = inspected.check(call.now())?;
        let fields = [("fields", "id,name,picture")];
        let request = self.as_user(&self.me, app, token).query(&fields);
        let answer = request.send(&call, Cap::Profile).await?;
        if let Some(error) = graph_error(&answer) {
            return Err(error.of_the_token());
        }
        let me: Me = answer.json()?;
        if me.id != user {
            return Err(Reason::SubjectMismatch.into());
        }
        let mut identity = context.identity(&me.id).with_profile(me.profile());
        if let Some(end) = end {
            identity = identity.until(end);
        }
        if self.wants_friends
            && let Some(friends) = self.friends(app, token, &call).await
        {
            identity = identity.with_friends(friends);
        }
        Ok(identity)
    }
}

/// An access token is one word; one with dots is a signed token, of Limited Login say.
fn check_form(token: &str) -> Result<(), Reason> {
    if token.len() > TOKEN {
        return Err(Reason::TooLarge);
    }
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|') {
        return Err(Reason::Malformed);
    }
    if token.contains('.') { Err(Reason::WrongType) } else { Ok(()) }
}

#[derive(Deserialize)]
struct Data {
    data: Inspected,
}

/// What `debug_token` says of a token.
#[derive(Deserialize)]
struct Inspected {
    app_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    is_valid: bool,
    expires_at: Option<i64>,
    user_id: Option<String>,
    error: Option<GraphError>,
}

impl Inspected {
    /// Whose it is, and its end where it has one.
    fn check(self, now: DateTime<Utc>) -> Result<(String, Option<DateTime<Utc>>), VerifyError> {
        let end = match self.expires_at {
            None | Some(0) => None,
            Some(seconds) => {
                let end = DateTime::from_timestamp(seconds, 0).ok_or(HttpFault::NotUnderstood)?;
                if end <= now {
                    return Err(VerifyError::Expired);
                }
                Some(end)
            }
        };
        if !self.is_valid {
            return Err(self.error.map_or(Reason::Revoked.into(), |error| error.of_the_token()));
        }
        if self.app_id.is_none() {
            return Err(Reason::WrongApp.into());
        }
        if self.kind.as_deref() != Some("USER") {
            return Err(Reason::WrongType.into());
        }
        let user = self.user_id.filter(|user| !user.is_empty()).ok_or(Reason::SubjectMissing)?;
        Ok((user, end))
    }
}

#[derive(Deserialize)]
struct GraphError {
    code: i64,
    #[serde(alias = "subcode")]
    error_subcode: Option<i64>,
}

impl GraphError {
    /// An error about the player's token.
    fn of_the_token(&self) -> VerifyError {
        match (self.code, self.error_subcode) {
            (190, Some(463)) => VerifyError::Expired,
            (102 | 190, _) => Reason::Revoked.into(),
            (100 | 104, _) => VerifyError::faulty("Facebook refuses the proof of the app's secret"),
            _ => HttpFault::NotUnderstood.into(),
        }
    }

    /// An error about the question: what is wrong with the player's token is in the answer to it.
    fn of_our_own(&self) -> VerifyError {
        match self.code {
            101 | 190 => VerifyError::faulty("Facebook refuses the app's id or secret"),
            _ => HttpFault::NotUnderstood.into(),
        }
    }
}

fn graph_error(answer: &Answer) -> Option<GraphError> {
    #[derive(Deserialize)]
    struct Failure {
        error: GraphError,
    }
    if answer.is_success() {
        return None;
    }
    let unknown = GraphError { code: 0, error_subcode: None };
    Some(answer.json::<Failure>().map_or(unknown, |failure| failure.error))
}

#[derive(Deserialize)]
struct Me {
    id: String,
    name: Option<String>,
    picture: Option<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    data: PictureData,
}

#[derive(Deserialize)]
struct PictureData {
    url: Option<String>,
    #[serde(default)]
    is_silhouette: bool,
}

impl Me {
    fn profile(&self) -> ProviderProfile {
        let picture = self.picture.as_ref().map(|picture| &picture.data);
        // The picture that everybody has is nobody's.
        let avatar =
            picture.filter(|data| !data.is_silhouette).and_then(|data| data.url.as_deref());
        profile(self.name.as_deref(), avatar)
    }
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Friend>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Friend {
    id: String,
}

#[derive(Default, Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    after: String,
}
