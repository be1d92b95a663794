use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::hasher::{HashFault, Verdict};
use super::rules::normal_form;
use crate::secret::Secret;

/// bcrypt looks at no more than this, so longer passwords never match such a hash (security 11).
const BCRYPT_BYTES: usize = 72;
/// A bcrypt hash of a higher cost would stall a thread for minutes.
const BCRYPT_MAX_COST: u32 = 17;

/// A password's hash with its parameters, in text form: Argon2id as a PHC string, or bcrypt as it was imported.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: Box<str>,
    scheme: Scheme,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Argon2id { memory_kib: u32, passes: u32, lanes: u32 },
    Bcrypt,
}

/// The text is not a hash that can be checked here: Argon2id with m up to 1 GiB, t up to 64 and p up to 16, or bcrypt
/// with a cost up to 17.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a supported password hash")]
pub struct InvalidHash;

impl PasswordHash {
    /// Reads a hash, and refuses parameters that would stall the process (security 14).
    ///
    /// # Errors
    ///
    /// [`InvalidHash`].
    pub fn parse(text: &str) -> Result<Self, InvalidHash> {
        let scheme = if text.starts_with("$argon2id$") {
            argon2id_scheme(text)?
        } else {
            bcrypt_scheme(text)?
        };
        Ok(Self { text: text.into(), scheme })
    }

    /// The text form, to be kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How much memory checking it takes, in bytes.
    pub(super) fn memory_bytes(&self) -> u64 {
        match self.scheme {
            Scheme::Argon2id { memory_kib, .. } => u64::from(memory_kib) * 1024,
            Scheme::Bcrypt => 8 * 1024,
        }
    }

    /// Compares in constant time; takes as long as the hash's parameters say.
    pub(super) fn verify(
        &self,
        password: &Secret,
        current: Argon2Params,
        memory: &mut Memory,
    ) -> Verdict {
        let bytes = normal_form(password);
        let (right, outdated) = match self.scheme {
            Scheme::Argon2id { memory_kib, passes, lanes } => {
                let right = argon2id_matches(&self.text, &bytes, memory).unwrap_or(false);
                let outdated = memory_kib < current.memory_kib
                    || passes < current.passes
                    || lanes < current.lanes;
                (right, outdated)
            }
            Scheme::Bcrypt => {
                // A longer password is hashed all the same, so that its length does not show in the time.
                let cut = bytes.get(..BCRYPT_BYTES).unwrap_or(&bytes);
                let right = bcrypt::verify(cut, &self.text).unwrap_or(false);
                (right && bytes.len() <= BCRYPT_BYTES, true)
            }
        };
        match (right, outdated) {
            (false, _) => Verdict::Wrong,
            (true, false) => Verdict::Right,
            (true, true) => Verdict::RightButOutdated,
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

/// What Argon2 fills, kept by each hashing thread from one password to the next: given back and asked for again, it
/// would scatter over the allocator's arenas and outgrow its cap several times over.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            // The old ones go first, so that both are never held at once.
            self.0 = Vec::new();
            self.0.resize(count, Block::new());
        }
        &mut self.0
    }

    /// Gives back what only a hash of stronger parameters needed.
    pub(super) fn shrink_to(&mut self, params: Argon2Params) {
        let keep = usize::try_from(params.memory_kib).unwrap_or(usize::MAX);
        if self.0.len() > keep {
            self.0 = Vec::new();
        }
    }
}

fn argon2id_matches(text: &str, password: &[u8], memory: &mut Memory) -> Option<bool> {
    let phc = Phc::new(text).ok()?;
    let params = Params::try_from(&phc).ok()?;
    let (salt, expected) = (phc.salt?, phc.hash?);
    let blocks = memory.blocks(params.block_count());
    let mut tag = [0; Output::MAX_LENGTH];
    let tag = tag.get_mut(..expected.len())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt.as_ref(), tag, blocks)
        .ok()?;
    // Compares in constant time.
    Some(Output::new(tag).ok()? == expected)
}

fn argon2id_scheme(text: &str) -> Result<Scheme, InvalidHash> {
    let phc = Phc::new(text).map_err(|_| InvalidHash)?;
    if phc.version != Some(Version::V0x13.into()) || phc.salt.is_none() || phc.hash.is_none() {
        return Err(InvalidHash);
    }
    let params = Params::try_from(&phc).map_err(|_| InvalidHash)?;
    let (memory_kib, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    if memory_kib > 1024 * 1024 || passes > 64 || lanes > 16 {
        return Err(InvalidHash);
    }
    Ok(Scheme::Argon2id { memory_kib, passes, lanes })
}

fn bcrypt_scheme(text: &str) -> Result<Scheme, InvalidHash> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| InvalidHash)?;
    let known = ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    if known && text.len() == 60 && (4..=BCRYPT_MAX_COST).contains(&parts.get_cost()) {
        Ok(Scheme::Bcrypt)
    } else {
        Err(InvalidHash)
    }
}

/// The parameters of Argon2id for new hashes. The least is OWASP's first choice for a server under login load:
/// 19 MiB, two passes, one lane (security 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2Params {
    /// 19 MiB, two passes, one lane: the default and the floor.
    pub const STANDARD: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
    /// 64 MiB, three passes, four lanes: RFC 9106's second recommendation.
    pub const STRONG: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// How much memory one hash takes, in bytes.
    #[must_use]
    pub fn memory_bytes(self) -> u64 {
        u64::from(self.memory_kib) * 1024
    }

    pub(super) fn hash(
        self,
        password: &Secret,
        salt: &[u8; 16],
        memory: &mut Memory,
    ) -> Result<PasswordHash, HashFault> {
        let phc =
            self.phc(password, salt, memory).map_err(|error| HashFault::Failed(error.into()))?;
        PasswordHash::parse(&phc.to_string()).map_err(|error| HashFault::Failed(error.into()))
    }

    /// What a password is compared with where no account is: the work is that of a new hash. The tag is made up, and
    /// whatever the comparison says, the password is wrong.
    pub(super) fn hash_of_nobody(self) -> Result<PasswordHash, InvalidHash> {
        let Self { memory_kib, passes, lanes } = self;
        let (salt, tag) = ("A".repeat(22), "A".repeat(43));
        PasswordHash::parse(&format!(
            "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"
        ))
    }

    fn phc(self, password: &Secret, salt: &[u8; 16], memory: &mut Memory) -> Result<Phc, String> {
        let text = |error: &dyn ToString| error.to_string();
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|error| text(&error))?;
        let described = ParamsString::try_from(&params).map_err(|error| text(&error))?;
        let blocks = memory.blocks(params.block_count());
        let mut tag = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(&normal_form(password), salt, &mut tag, blocks)
            .map_err(|error| text(&error))?;
        Ok(Phc {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: described,
            salt: Some(Salt::new(salt).map_err(|error| text(&error))?),
            hash: Some(Output::new(&tag).map_err(|error| text(&error))?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bcrypt hash of `correct horse`, cost 4, made by another implementation's format.
    fn bcrypt_of(password: &str) -> PasswordHash {
        PasswordHash::parse(&bcrypt::hash(password, 4).unwrap()).unwrap()
    }

    #[test]
    fn an_argon2id_hash_verifies_and_is_a_phc_string() {
        let password = Secret::new("correct horse");
        let hash =
            Argon2Params::STANDARD.hash(&password, &[7; 16], &mut Memory::default()).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_eq!(
            hash.verify(&password, Argon2Params::STANDARD, &mut Memory::default()),
            Verdict::Right
        );
        assert_eq!(
            hash.verify(&Secret::new("wrong"), Argon2Params::STANDARD, &mut Memory::default()),
            Verdict::Wrong
        );
        assert_eq!(
            hash.verify(&password, Argon2Params::STRONG, &mut Memory::default()),
            Verdict::RightButOutdated
        );
    }

    #[test]
    fn security_26_27_nobodys_hash_is_as_much_work_as_a_new_one() {
        for params in [Argon2Params::STANDARD, Argon2Params::STRONG] {
            let kept = params.hash(&Secret::new(""), &[0; 16], &mut Memory::default()).unwrap();
            let nobodys = params.hash_of_nobody().unwrap();
            assert!(nobodys.scheme == kept.scheme);
            let mut memory = Memory::default();
            assert_eq!(nobodys.verify(&Secret::new(""), params, &mut memory), Verdict::Wrong);
            assert_eq!(memory.0.len() * 1024, usize::try_from(params.memory_bytes()).unwrap());
        }
    }

    #[test]
    fn another_implementations_hash_verifies() {
        // Made by the reference implementation's command-line tool.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::parse(hash).unwrap();
        let mut memory = Memory::default();
        let verdict = |text: &str, memory: &mut Memory| {
            hash.verify(&Secret::new(text), Argon2Params::STANDARD, memory)
        };
        assert_eq!(verdict("password", &mut memory), Verdict::Right);
        assert_eq!(verdict("passwort", &mut memory), Verdict::Wrong);
        assert_eq!(memory.0.len(), 65_536);
        memory.shrink_to(Argon2Params::STANDARD);
        assert!(memory.0.is_empty());
    }

    #[test]
    fn security_11_bcrypt_refuses_what_it_cannot_see() {
        let full = "a".repeat(72);
        let hash = bcrypt_of(&full);
        let verdict = |text: &str| {
            hash.verify(&Secret::new(text), Argon2Params::STANDARD, &mut Memory::default())
        };
        assert_eq!(verdict(&full), Verdict::RightButOutdated);
        assert_eq!(verdict(&format!("{full}b")), Verdict::Wrong);
    }

    #[test]
    fn security_14_absurd_parameters_are_refused() {
        let salt_and_tag = "$c29tZXNhbHRzb21lc2FsdA$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
        let argon =
            |params: &str| PasswordHash::parse(&format!("$argon2id$v=19${params}{salt_and_tag}"));
        assert!(argon("m=19456,t=2,p=1").is_ok());
        for params in ["m=1048577,t=2,p=1", "m=19456,t=65,p=1", "m=19456,t=2,p=17", "m=1,t=2,p=1"] {
            assert_eq!(argon(params), Err(InvalidHash), "{params}");
        }
        for text in
            ["", "plain", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$2b$31$", "$1$abc$def"]
        {
            assert_eq!(PasswordHash::parse(text), Err(InvalidHash), "{text}");
        }
        let costly = bcrypt_of("x").as_str().replace("$04$", "$18$");
        assert_eq!(PasswordHash::parse(&costly), Err(InvalidHash));
    }
}
