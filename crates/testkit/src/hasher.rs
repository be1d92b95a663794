use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use authcore::Secret;
use authcore::password::{HashFault, PasswordHash, PasswordHasher, Verdict};

/// Hashes in microseconds on the caller's thread, and counts how often. For tests only: such a hash protects nothing.
#[derive(Clone, Debug, Default)]
pub struct CheapHasher {
    hashes: Arc<AtomicU64>,
}

impl CheapHasher {
    /// A hasher that has not hashed yet. Clones count together.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often it has hashed, checks included.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::SeqCst)
    }

    fn argon2() -> Result<Argon2<'static>, HashFault> {
        let params = Params::new(8, 1, 1, Some(32)).map_err(failed)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn failed(error: impl ToString) -> HashFault {
    HashFault::Failed(error.to_string().into())
}

#[async_trait]
impl PasswordHasher for CheapHasher {
    fn can_check(&self, _hash: &PasswordHash) -> bool {
        true
    }

    fn is_busy(&self) -> bool {
        false
    }

    async fn hash(&self, password: Secret, salt: [u8; 16]) -> Result<PasswordHash, HashFault> {
        self.hashes.fetch_add(1, Ordering::SeqCst);
        let phc = Self::argon2()?
            .hash_password_with_salt(password.reveal().as_bytes(), &salt)
            .map_err(failed)?;
        PasswordHash::parse(&phc.to_string()).map_err(failed)
    }

    async fn verify(
        &self,
        password: Secret,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashFault> {
        self.hashes.fetch_add(1, Ordering::SeqCst);
        let Some(hash) = hash else {
            return Ok(Verdict::Wrong);
        };
        let right = Phc::new(hash.as_str()).is_ok_and(|phc| {
            Argon2::default().verify_password(password.reveal().as_bytes(), &phc).is_ok()
        });
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    }
}
