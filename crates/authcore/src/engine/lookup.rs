use super::Engine;
use crate::account::{Account, AccountId, IdentityKey};
use crate::error::Error;
use crate::lifecycle::settle;
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::Lookup;

/// How many may be asked for at once (gamebase 3.12).
const MOST: usize = 300;

impl Engine {
    /// Reads accounts by id, in the order asked: withdrawn and lost ones too; unknown ones are left out (gamebase 3.12).
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when more than 300 are asked for, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn accounts_by_id(
        &self,
        _operator: &Operator,
        ids: &[AccountId],
    ) -> Result<Vec<Account>, Error> {
        let found = self.look_up(ids.iter().map(|id| Lookup::Id(*id)).collect()).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads the owners of identities, in the order asked; those that nobody owns are left out (gamebase 3.12).
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when more than 300 are asked for, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn accounts_by_identity(
        &self,
        _operator: &Operator,
        keys: &[IdentityKey],
    ) -> Result<Vec<(IdentityKey, Account)>, Error> {
        let lookups = keys.iter().map(|key| Lookup::Identity(key.clone())).collect();
        let found = self.look_up(lookups).await?;
        let owned = keys.iter().zip(found).filter_map(|(key, account)| {
            // Time may have freed it meanwhile.
            let account = account.filter(|account| account.identity(key).is_some())?;
            Some((key.clone(), account))
        });
        Ok(owned.collect())
    }

    async fn look_up(&self, lookups: Vec<Lookup>) -> Result<Vec<Option<Account>>, Error> {
        if lookups.len() > MOST {
            let rule = Rule::AtMostItems { items: MOST };
            return Err(Refusal::Invalid { field: Field::Count, rule }.into());
        }
        let now = self.now();
        let found = self.parts.store.load_many(&lookups).await?;
        let settled = found.into_iter().map(|snapshot| {
            let mut account = snapshot?.account;
            settle(&mut account, now);
            Some(account)
        });
        Ok(settled.collect())
    }
}
