use std::sync::LazyLock;

use authcore::account::{
    Account, AccountId, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId, Records,
    Username,
};
use authcore::lifecycle::{BanState, Withdrawal};
use authcore::password::Password;
use chrono::{DateTime, Utc};

use crate::index::{Key, Scope};

static USUAL_PROFILE: LazyLock<Profile> = LazyLock::new(Profile::default);

/// An account.
pub(crate) struct KeptAccount {
    pub(crate) id: AccountId,
    username: Option<KeptUsername>,
    profile: Option<Box<Profile>>,
    identities: Box<[KeptIdentity]>,
    password: Option<Box<Password>>,
    rare: Option<Box<Rare>>,
    pub(crate) epoch: Epoch,
    next_ordinal: Ordinal,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What few accounts have.
#[derive(Clone, Default, PartialEq)]
struct Rare {
    ban: BanState,
    withdrawal: Withdrawal,
    records: Records,
    due_at: Option<DateTime<Utc>>,
}

struct KeptUsername {
    shown: Box<str>,
    /// Where it differs from the shown form.
    key: Option<Box<str>>,
}

impl KeptUsername {
    fn new(Username { shown, key }: &Username) -> Self {
        Self { shown: shown.clone(), key: (key != shown).then(|| key.clone()) }
    }

    fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.shown)
    }
}

struct KeptIdentity {
    provider: ProviderId,
    subject: Box<str>,
    ordinal: Ordinal,
    linked_at: DateTime<Utc>,
    rare: Option<Box<RareIdentity>>,
}

/// What few identities have.
#[derive(Clone, Default, PartialEq)]
struct RareIdentity {
    tenant: Box<str>,
    issuer: Box<str>,
    shown: Option<Box<str>>,
    verified_at: Option<DateTime<Utc>>,
    data: Option<Box<str>>,
}

impl KeptIdentity {
    fn new(Identity { ordinal, key, shown, linked_at, verified_at, data }: &Identity) -> Self {
        let rare = RareIdentity {
            tenant: key.tenant().into(),
            issuer: key.issuer().into(),
            shown: shown.clone(),
            verified_at: *verified_at,
            data: data.clone(),
        };
        Self {
            provider: key.provider().clone(),
            subject: key.subject().into(),
            ordinal: *ordinal,
            linked_at: *linked_at,
            rare: (rare != RareIdentity::default()).then(|| Box::new(rare)),
        }
    }

    fn identity(&self) -> Identity {
        let rare = self.rare.as_deref().cloned().unwrap_or_default();
        let provider = self.provider.clone();
        Identity {
            ordinal: self.ordinal,
            key: IdentityKey::scoped(provider, &rare.tenant, &rare.issuer, &self.subject),
            shown: rare.shown,
            linked_at: self.linked_at,
            verified_at: rare.verified_at,
            data: rare.data,
        }
    }

    fn key(&self) -> Key<'_> {
        let rare = self.rare.as_deref();
        let scope = rare
            .and_then(|rare| Scope { tenant: &rare.tenant, issuer: &rare.issuer }.unless_empty());
        Key::Identity { provider: &self.provider, scope, subject: &self.subject }
    }
}

impl KeptAccount {
    pub(crate) fn new(account: &Account) -> Self {
        // Names every field, so that a new one cannot be lost in silence.
        let Account {
            id,
            username,
            profile,
            identities,
            password,
            ban,
            withdrawal,
            records,
            epoch,
            next_ordinal,
            created_at,
            updated_at,
        } = account;
        let rare = Rare {
            ban: ban.clone(),
            withdrawal: *withdrawal,
            records: records.clone(),
            due_at: account.due_at(),
        };
        Self {
            id: *id,
            username: username.as_ref().map(KeptUsername::new),
            profile: (*profile != *USUAL_PROFILE).then(|| Box::new(profile.clone())),
            identities: identities.iter().map(KeptIdentity::new).collect(),
            password: password.clone().map(Box::new),
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            epoch: *epoch,
            next_ordinal: *next_ordinal,
            created_at: *created_at,
            updated_at: *updated_at,
        }
    }

    pub(crate) fn account(&self) -> Account {
        let rare = self.rare.as_deref().cloned().unwrap_or_default();
        let username = self.username.as_ref();
        Account {
            id: self.id,
            username: username
                .map(|name| Username { shown: name.shown.clone(), key: name.key().into() }),
            profile: self.profile.as_deref().unwrap_or(&USUAL_PROFILE).clone(),
            identities: self.identities.iter().map(KeptIdentity::identity).collect(),
            password: self.password.as_deref().cloned(),
            ban: rare.ban,
            withdrawal: rare.withdrawal,
            records: rare.records,
            epoch: self.epoch,
            next_ordinal: self.next_ordinal,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// What it is found by besides its id.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        let identities = self.identities.iter().map(KeptIdentity::key);
        let username = self.username.as_ref().map(|username| Key::Username(username.key()));
        let transfer = self.rare.as_deref().and_then(|rare| rare.records.transfer.as_ref());
        identities.chain(username).chain(transfer.map(|it| Key::Transfer(&it.key)))
    }

    pub(crate) fn due_at(&self) -> Option<DateTime<Utc>> {
        self.rare.as_deref()?.due_at
    }

    pub(crate) fn password_version(&self) -> Option<u32> {
        self.password.as_ref().map(|password| password.version)
    }
}
