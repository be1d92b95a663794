//! What a verifier tells besides who the player is.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::Attempt;
use crate::account::{Account, IdentityKey};
use crate::command::{Friend, LoggedIn};
use crate::engine::Engine;
use crate::engine::corridor::{Draft, Settled};
use crate::error::{Error, Fault};
use crate::event::EventKind;
use crate::lifecycle::{Standing, settle, standing};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::store::Lookup;
use crate::verifier::{IdentityData, VerifiedIdentity};

/// How many friends are looked up at once.
const FRIENDS_AT_ONCE: usize = 100;

impl Attempt<'_> {
    /// Whom the verifier's words lead to: the account that it named, or else the one that has the identity under a former
    /// subject.
    pub(super) async fn find_told(
        &mut self,
        found: Option<Settled>,
    ) -> Result<Option<Settled>, Error> {
        let Some((verified, told)) =
            self.proven.verified().and_then(|verified| Some((verified, verified.also()?)))
        else {
            return Ok(found);
        };
        if told.account.is_some() {
            let alive = found.filter(|found| standing(&found.account) != Standing::Withdrawn);
            let provider = verified.key().provider();
            return match alive {
                Some(settled) => Ok(Some(settled)),
                None => Err(Refusal::IdentityUnknown(provider.clone()).into()),
            };
        }
        self.former = None;
        if found.as_ref().is_some_and(|found| !found.account.withdrawal.is_done()) {
            return Ok(found);
        }
        let Some((key, owner)) = self.engine.find_former(verified, self.now).await? else {
            return Ok(found);
        };
        self.former = Some(Box::new(key));
        Ok(Some(owner))
    }
}

/// Puts down with the account what a verifier told: the identity's present key where it was found by a former one, its
/// data (braincloud 7), and what of the profile is empty (nakama 9.6; `new`: of an account in the making). Says whether
/// anything changed.
pub(in crate::engine) fn apply_told(
    verified: &VerifiedIdentity,
    former: Option<&IdentityKey>,
    account: &mut Account,
    policy: &Policy,
    now: DateTime<Utc>,
    draft: &mut Draft,
    new: bool,
) -> bool {
    let Some(told) = verified.also() else { return false };
    let mut changed = false;
    let present = former.unwrap_or(verified.key());
    let identity = account.identities.iter_mut().find(|identity| identity.key == *present);
    if let Some(identity) = identity.filter(|_| told.account.is_none()) {
        if former.is_some() {
            identity.key = verified.key().clone();
            changed = true;
        }
        let data = match &told.data {
            IdentityData::Keep => identity.data.clone(),
            IdentityData::Replace(json) => Some(json.clone()),
            IdentityData::Clear => None,
        };
        changed |= identity.data != data;
        identity.data = data;
    }
    if let Some(profile) = &told.profile
        && policy.imports_profile
        && account.profile.fill(profile, new)
    {
        draft.events.push((account.id, EventKind::ProfileChanged));
        changed = true;
    }
    if changed {
        account.updated_at = now;
    }
    changed
}

impl Engine {
    /// Who has the identity under a former subject, and that one's key (decision 17).
    pub(in crate::engine) async fn find_former(
        &self,
        verified: &VerifiedIdentity,
        now: DateTime<Utc>,
    ) -> Result<Option<(IdentityKey, Settled)>, Error> {
        for key in verified.former_keys() {
            if let Some(owner) = self.owner(&key, now).await? {
                return Ok(Some((key, owner)));
            }
        }
        Ok(None)
    }

    /// Hands on what a verifier told, after the login is committed. That friends cannot be looked up takes no login back
    /// (nakama 8.1).
    pub(in crate::engine) async fn tell(
        &self,
        verified: &VerifiedIdentity,
        logged_in: &mut LoggedIn,
        now: DateTime<Utc>,
    ) {
        let Some(told) = verified.also() else { return };
        logged_in.provider_profile = told.profile.clone().map(Box::new);
        logged_in.payload.clone_from(&told.payload);
        logged_in.flags.clone_from(&told.flags);
        logged_in.owner.clone_from(&told.owner);
        match self.friends(verified, &told.friends, &logged_in.account, now).await {
            Ok(friends) => logged_in.friends = friends,
            Err(error) => tracing::warn!(%error, "friends could not be looked up"),
        }
    }

    /// The accounts of a player's friends.
    async fn friends(
        &self,
        verified: &VerifiedIdentity,
        subjects: &[Box<str>],
        own: &Account,
        now: DateTime<Utc>,
    ) -> Result<Vec<Friend>, Fault> {
        let (mut friends, mut seen) = (Vec::new(), BTreeSet::from([own.id]));
        for subjects in subjects.chunks(FRIENDS_AT_ONCE) {
            let lookups: Vec<_> = subjects
                .iter()
                .map(|subject| Lookup::Identity(verified.sibling(subject)))
                .collect();
            let found = self.parts.store.load_many(&lookups).await?;
            for (subject, snapshot) in subjects.iter().zip(found) {
                let Some(mut account) = snapshot.map(|snapshot| snapshot.account) else { continue };
                settle(&mut account, now);
                let out = matches!(
                    standing(&account),
                    Standing::Banned | Standing::Withdrawn | Standing::Missing
                );
                if !out && seen.insert(account.id) {
                    friends.push(Friend { account: account.id, subject: subject.clone() });
                }
            }
        }
        Ok(friends)
    }
}
