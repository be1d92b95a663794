use authcore_jose::{
    Algorithm, DigestKey, KeyError, KeySet, MasterKey, SignError, TokenKey, from_strict_json,
};
use chrono::{DateTime, Utc};

use super::claims::{Purpose, RawClaims, RefreshClaims, write_claims};
use super::{AccessClaims, Session};
use crate::account::{Account, IdentityKey};
use crate::policy::Policy;
use crate::secret::Secret;
use crate::store::{CodeKey, TransferKey};

/// An access token and its refresh token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenPair {
    /// Opens doors until it ends.
    pub access: Secret,
    /// When the access token ends.
    pub access_expires_at: DateTime<Utc>,
    /// Gets the next pair, once.
    pub refresh: Secret,
    /// When the refresh token ends.
    pub refresh_expires_at: DateTime<Utc>,
}

/// The keys that tokens are signed with, for one game: derived for it and for each purpose, so that a token of another
/// game or kind never verifies.
#[derive(Debug)]
pub(crate) struct TokenKeys {
    access: KeySet,
    refresh: KeySet,
    game: Box<str>,
    transfer: DigestKey,
    former_transfers: Vec<DigestKey>,
    /// The current master key's first, then those of former ones.
    bans: Vec<DigestKey>,
}

impl TokenKeys {
    /// Keys derived from the game's one signing key.
    pub(crate) fn new(key: &MasterKey, algorithm: Algorithm, game: &str) -> Result<Self, KeyError> {
        let derive = |purpose: Purpose| TokenKey::derive(key, algorithm, game, purpose.as_str());
        Ok(Self {
            access: KeySet::new(derive(Purpose::Access)?),
            refresh: KeySet::new(derive(Purpose::Refresh)?),
            game: game.into(),
            transfer: DigestKey::derive(key, game, "transfer")?,
            former_transfers: Vec::new(),
            bans: vec![DigestKey::derive(key, game, "carried ban")?],
        })
    }

    /// Accepts, besides, tokens signed with a former signing key, until all of them are over.
    pub(crate) fn with_previous(
        mut self,
        key: &MasterKey,
        algorithm: Algorithm,
    ) -> Result<Self, KeyError> {
        let derive =
            |purpose: Purpose| TokenKey::derive(key, algorithm, &self.game, purpose.as_str());
        let (access, refresh) = (derive(Purpose::Access)?, derive(Purpose::Refresh)?);
        self.former_transfers.push(DigestKey::derive(key, &self.game, "transfer")?);
        self.bans.push(DigestKey::derive(key, &self.game, "carried ban")?);
        Ok(Self {
            access: self.access.with_previous(access),
            refresh: self.refresh.with_previous(refresh),
            ..self
        })
    }

    /// What a new transfer account of this id is kept under.
    pub(crate) fn transfer_key(&self, id: &str) -> TransferKey {
        TransferKey::new(self.transfer.digest(id.as_bytes()))
    }

    /// What a transfer account of this id may be kept under: that of a new one, then those under former keys.
    pub(crate) fn transfer_keys(&self, id: &str) -> impl Iterator<Item = TransferKey> {
        let former = self.former_transfers.iter();
        let former = former.map(move |key| TransferKey::new(key.digest(id.as_bytes())));
        std::iter::once(self.transfer_key(id)).chain(former)
    }

    /// What the ban of an identity's last owner may be remembered under: the first for a new one, the others under
    /// former keys.
    pub(crate) fn ban_keys(&self, identity: &IdentityKey) -> impl Iterator<Item = CodeKey> {
        let encoded = identity.encode();
        self.bans.iter().map(move |key| CodeKey::new(key.digest(&encoded)))
    }

    /// The public halves of the access keys as a JWK set, for other servers to verify access tokens with. Empty under
    /// HS256, which has none.
    pub(crate) fn jwks(&self) -> String {
        self.access.jwks()
    }

    /// The game that the keys are for.
    pub(crate) fn game(&self) -> &str {
        &self.game
    }

    /// The pair of a session, as minted at this time: the same inputs give the same pair.
    pub(crate) fn mint(
        &self,
        account: &Account,
        session: &Session,
        minted: DateTime<Utc>,
        policy: &Policy,
    ) -> Result<TokenPair, SignError> {
        let style = policy.claim_style;
        let access_expires_at = session.access_expires_at(minted, policy);
        let sign = |keys: &KeySet, purpose: Purpose| {
            let claims =
                write_claims(purpose, account, session, access_expires_at, style, &self.game);
            keys.sign(purpose.typ(style), &claims).map(Secret::new)
        };
        Ok(TokenPair {
            access: sign(&self.access, Purpose::Access)?,
            access_expires_at,
            refresh: sign(&self.refresh, Purpose::Refresh)?,
            refresh_expires_at: session.refresh_expires_at(),
        })
    }

    pub(crate) fn access(
        &self,
        token: &str,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Option<AccessClaims> {
        self.read(&self.access, Purpose::Access, token, policy, now).map(RawClaims::access)
    }

    pub(crate) fn refresh(
        &self,
        token: &str,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Option<RefreshClaims> {
        self.read(&self.refresh, Purpose::Refresh, token, policy, now)?.refresh()
    }

    fn read(
        &self,
        keys: &KeySet,
        purpose: Purpose,
        token: &str,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Option<RawClaims> {
        let style = policy.claim_style;
        let payload = keys.verify(purpose.typ(style), token).ok()?;
        from_strict_json::<RawClaims>(&payload).ok()?.checked(style, &self.game, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_their_game() {
        let secret = b"a signing key of more than thirty-two bytes";
        let master = MasterKey::new(secret).unwrap();
        let keys = TokenKeys::new(&master, Algorithm::Hs256, "a game").unwrap();
        assert_eq!(keys.game(), "a game");
    }
}
