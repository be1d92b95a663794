use super::Engine;
use crate::account::Account;
use crate::command::FindAccounts;
use crate::context::RequestContext;
use crate::error::Error;
use crate::hooks::Done;
use crate::lifecycle::settle;
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::Lookup;

/// How many accounts may be asked for at once.
const MOST: usize = 100;

impl Engine {
    /// Looks other players up; unknown ones are left out, and one that is asked for twice comes once (nakama 12.5). The
    /// accounts are whole: what of them other players may see is the host's to choose.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when more than 100 are asked for, [`Refusal::AccessTokenInvalid`] when the caller's session
    /// has ended since it was verified, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn find_accounts(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        find: FindAccounts,
    ) -> Result<Vec<Account>, Error> {
        let find = self.parts.hooks.before_find_accounts(context, who, find).await?;
        if find.ids.len() + find.usernames.len() > MOST {
            let rule = Rule::AtMostItems { items: MOST };
            return Err(Refusal::Invalid { field: Field::Count, rule }.into());
        }
        self.check_alive(who).await?;
        let usernames = find.usernames.iter().map(|name| self.parts.folding.username(name));
        let lookups: Vec<_> = find
            .ids
            .iter()
            .map(|id| Lookup::Id(*id))
            .chain(usernames.map(Lookup::Username))
            .collect();
        let now = self.now();
        let mut accounts: Vec<Account> = Vec::new();
        for snapshot in self.parts.store.load_many(&lookups).await?.into_iter().flatten() {
            let mut account = snapshot.account;
            if accounts.iter().all(|other| other.id != account.id) {
                settle(&mut account, now);
                if !account.withdrawal.is_done() {
                    accounts.push(account);
                }
            }
        }
        self.parts.hooks.after(context, &Done::FindAccounts(&accounts)).await;
        Ok(accounts)
    }
}
