use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Session;
use crate::engine::KEY;
use crate::{Outcome, Pair};

/// The claims of the engine's tokens.
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "what is signed")]
pub struct Claims {
    /// The session.
    pub tid: Uuid,
    /// The account.
    pub uid: Uuid,
    /// The username.
    pub usn: String,
    /// The refresh token's generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#gen: Option<u32>,
    /// When the token ends.
    pub exp: i64,
    /// When the player logged in.
    pub iat: i64,
}

/// `jsonwebtoken` with keys that are ready.
#[derive(Debug)]
pub struct FloorTokens {
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

impl Default for FloorTokens {
    fn default() -> Self {
        // Only the first call counts, and the engine may have made it.
        let _ = DEFAULT_PROVIDER.install_default();
        let kid = Some("0123456789abcdef".to_owned());
        Self {
            header: Header { kid, ..Header::new(Algorithm::HS256) },
            signing: EncodingKey::from_secret(KEY),
            verifying: DecodingKey::from_secret(KEY),
            validation: Validation::new(Algorithm::HS256),
        }
    }
}

impl FloorTokens {
    /// Two encodes.
    ///
    /// # Errors
    ///
    /// When the library refuses.
    pub fn mint(&self, claims: &mut Claims, ends: [i64; 2], generation: u32) -> Outcome<Pair> {
        let [access, refresh] = ends;
        (claims.exp, claims.r#gen) = (access, None);
        let access = encode(&self.header, claims, &self.signing)?;
        (claims.exp, claims.r#gen) = (refresh, Some(generation));
        let refresh = encode(&self.header, claims, &self.signing)?;
        Ok(Pair { access, refresh })
    }

    pub(super) fn mint_for(&self, uid: Uuid, usn: String, session: &Session) -> Outcome<Pair> {
        let iat = session.authenticated_at / 1000;
        let mut claims = Claims { tid: session.id, uid, usn, r#gen: None, exp: 0, iat };
        let ends = [session.last_used_at / 1000 + 3600, session.idle_expires_at / 1000];
        self.mint(&mut claims, ends, session.generation)
    }

    /// One decode.
    ///
    /// # Errors
    ///
    /// When the token does not count.
    pub fn read(&self, token: &str) -> Outcome<Claims> {
        Ok(decode(token, &self.verifying, &self.validation)?.claims)
    }
}
