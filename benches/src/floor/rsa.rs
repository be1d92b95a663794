use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Outcome;
use crate::identity::{GoogleTokens, KEY_NAME};
use crate::measure::instant;

/// Bare RSA: a key that is ready, and a signature that is decoded. No form, no claim is looked at.
#[derive(Debug)]
pub struct RsaFloor {
    keys: Arc<RwLock<HashMap<String, Arc<ParsedPublicKey>>>>,
    key: Arc<ParsedPublicKey>,
    signed: String,
    signature: Vec<u8>,
}

impl RsaFloor {
    /// For the token that the other side checks.
    ///
    /// # Errors
    ///
    /// When the token or its key is not what it should be.
    pub fn of(google: &GoogleTokens) -> Outcome<Self> {
        let (signed, signature) = google.token().rsplit_once('.').ok_or("no token")?;
        let jwk = google.jwk();
        let part = |name: &str| jwk.get(name).and_then(|part| part.as_str()).unwrap_or_default();
        let [n, e] = [part("n"), part("e")].map(|part| URL_SAFE_NO_PAD.decode(part));
        let (n, e) = (n?, e?);
        let components = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
        let key = Arc::new(components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?);
        let keys = HashMap::from([(KEY_NAME.to_owned(), Arc::clone(&key))]);
        Ok(Self {
            keys: Arc::new(RwLock::new(keys)),
            key,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature)?,
        })
    }

    /// One signature checked.
    ///
    /// # Errors
    ///
    /// When it is not good.
    pub fn verify(&self) -> Outcome<()> {
        Ok(self.key.verify_sig(self.signed.as_bytes(), &self.signature)?)
    }

    /// A key found so often, by so many tasks together, in a map behind a lock.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub async fn look_up(&self, tasks: u64, count: u64) -> Outcome<Duration> {
        let started = instant();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..tasks {
            let keys = Arc::clone(&self.keys);
            running.spawn(async move {
                for _ in 0..count / tasks {
                    let keys = keys.read().unwrap_or_else(PoisonError::into_inner);
                    black_box(keys.get(KEY_NAME).cloned().ok_or("no key")?);
                }
                Ok::<_, &str>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(started.elapsed())
    }
}
