use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Tries};
use crate::account::{
    Account, AccountId, Folding, IdentityKey, Profile, ProfileUpdate, ProviderId, Username,
    check_profile, check_username,
};
use crate::credential::{check_email, check_id, check_universal_id};
use crate::error::Error;
use crate::event::EventKind;
use crate::password::{Password, PasswordHash};
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::session::Activity;
use crate::store::{Conflict, Write};

/// An account as another system had it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportedAccount {
    /// The id to keep; a new one when there is none.
    pub id: Option<AccountId>,
    /// The username.
    pub username: Option<String>,
    /// The profile.
    pub profile: Profile,
    /// The email address to log in with.
    pub email: Option<String>,
    /// The password's hash: Argon2id as a PHC string, or bcrypt. It is made anew at the next login where it is weaker
    /// than today's.
    pub password_hash: Option<Secret>,
    /// The other logins.
    pub identities: Vec<ImportedIdentity>,
    /// When the other system made it; now when it does not say.
    pub created_at: Option<DateTime<Utc>>,
}

/// A login as another system had it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportedIdentity {
    /// Its provider.
    pub provider: ProviderId,
    /// Its tenant, or empty.
    pub tenant: String,
    /// Its issuer, or empty.
    pub issuer: String,
    /// Its subject; 1 to 255 bytes.
    pub subject: String,
}

impl ImportedIdentity {
    /// A login of a provider without tenants and issuers.
    #[must_use]
    pub fn new(provider: ProviderId, subject: impl Into<String>) -> Self {
        Self { provider, tenant: String::new(), issuer: String::new(), subject: subject.into() }
    }
}

impl Engine {
    /// Brings in an account from another system, with its password's hash.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when it breaks the rules that hold for accounts made here, [`Refusal::IdentityTaken`],
    /// [`Refusal::UsernameTaken`] or [`Refusal::AccountExists`] when it is here already; nothing was written then. Or a
    /// fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the account may be committed all the same.
    pub async fn import_account(
        &self,
        _operator: &Operator,
        imported: ImportedAccount,
    ) -> Result<Account, Error> {
        let now = self.now();
        let id = match imported.id {
            Some(id) => id,
            None => AccountId::new(now, &self.random()?),
        };
        let account = self.imported(id, imported, now)?;
        let insert = Write::InsertAccount {
            account: Box::new(account.clone()),
            activity: Activity::default().into(),
        };
        let draft = Draft {
            writes: vec![insert],
            events: vec![(id, EventKind::AccountImported)],
            ..Draft::default()
        };
        let Err(lost) = self.commit(draft, now).await else {
            return Ok(account);
        };
        Err(match Tries::new().again(lost)? {
            Conflict::IdentityTaken(key) => {
                let provider = key.provider().clone();
                Refusal::IdentityTaken { provider, ticket: None }.into()
            }
            Conflict::UsernameTaken(_) => Refusal::UsernameTaken.into(),
            _ => Refusal::AccountExists.into(),
        })
    }

    fn imported(
        &self,
        id: AccountId,
        imported: ImportedAccount,
        now: DateTime<Utc>,
    ) -> Result<Account, Refusal> {
        let mut account = Account::new(id, now);
        check_imported_profile(&imported.profile)?;
        account.profile = imported.profile;
        account.created_at = imported.created_at.unwrap_or(now);
        if let Some(username) = &imported.username {
            check_username(username)?;
            account.username = Some(Username::new(username, self.parts.folding));
        }
        if let Some(email) = imported.email {
            check_email(&email)?;
            let key = IdentityKey::new(ProviderId::EMAIL, &self.parts.folding.email(&email));
            account.add_identity(key, Some(email.into()), now);
        }
        if let Some(hash) = imported.password_hash {
            account.password = Some(self.imported_password(&hash, now)?);
        }
        for identity in imported.identities {
            let key = self.imported_key(&account, identity)?;
            account.add_identity(key, None, now);
        }
        if account.identities.is_empty() && account.username.is_none() {
            return Err(invalid(Field::Identity, Rule::Required));
        }
        Ok(account)
    }

    fn imported_password(&self, hash: &Secret, now: DateTime<Utc>) -> Result<Password, Refusal> {
        let hash = PasswordHash::parse(hash.reveal())
            .map_err(|_| invalid(Field::PasswordHash, Rule::Shape))?;
        if !self.parts.hasher.can_check(&hash) {
            return Err(invalid(Field::PasswordHash, Rule::TooCostly));
        }
        Ok(Password { hash: hash.as_str().into(), version: 1, set_at: now })
    }

    /// The key of a login that the account may have besides those it has.
    fn imported_key(
        &self,
        account: &Account,
        identity: ImportedIdentity,
    ) -> Result<IdentityKey, Refusal> {
        let ImportedIdentity { provider, tenant, issuer, subject } = identity;
        let key = IdentityKey::scoped(provider.clone(), &tenant, &issuer, &subject);
        let key = check_key(key, self.parts.folding)?;
        let several = self.policy.several.allows(&provider);
        if !several && account.identities_of(&provider).next().is_some() {
            return Err(Refusal::AlreadyLinked(provider));
        }
        let most = self.policy.identities_per_account;
        if account.identities.len() >= most {
            return Err(Refusal::TooManyIdentities { most });
        }
        match account.identity(&key) {
            Some(_) => Err(Refusal::AlreadyLinked(key.provider().clone())),
            None => Ok(key),
        }
    }
}

/// The key of a login that nobody has proven, folded where logins fold it, when it has the form of one.
pub(super) fn check_key(key: IdentityKey, folding: Folding) -> Result<IdentityKey, Refusal> {
    let subject = key.subject();
    match key.provider().as_str() {
        "device" => check_id(Field::DeviceId, subject)?,
        "custom" => check_id(Field::CustomId, subject)?,
        "guest" => check_id(Field::GuestKey, subject)?,
        "universal" => {
            check_universal_id(subject)?;
            return Ok(IdentityKey::new(ProviderId::UNIVERSAL, &folding.email(subject)));
        }
        // An address has a folded form, which only the field of its own gets.
        "email" => return Err(invalid(Field::Identity, Rule::Forbidden)),
        _ => {
            let sizes = [(key.tenant(), 0), (key.issuer(), 0), (subject, 1)];
            if !sizes.iter().all(|(text, min)| (*min..=255).contains(&text.len())) {
                return Err(invalid(Field::Identity, Rule::Bytes { min: 1, max: 255 }));
            }
        }
    }
    Ok(key)
}

fn invalid(field: Field, rule: Rule) -> Refusal {
    Refusal::Invalid { field, rule }
}

/// The sizes that players are held to, and that what the host keeps is JSON.
fn check_imported_profile(profile: &Profile) -> Result<(), Refusal> {
    let text = |value: &str| Some(value.to_owned());
    let update = ProfileUpdate {
        username: None,
        display_name: text(&profile.display_name),
        avatar_url: text(&profile.avatar_url),
        lang_tag: text(&profile.lang_tag),
        location: text(&profile.location),
        timezone: text(&profile.timezone),
    };
    check_profile(&update).map_err(|(field, rule)| invalid(field, rule))?;
    if profile.metadata.len() > 65_536 {
        return Err(invalid(Field::Metadata, Rule::Bytes { min: 2, max: 65_536 }));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&profile.metadata) {
        Ok(_) => Ok(()),
        Err(_) => Err(invalid(Field::Metadata, Rule::Shape)),
    }
}
