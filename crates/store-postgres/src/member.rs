//! Change sets that can be applied together with others.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use authcore::account::{Account, AccountId, Epoch, Version};
use authcore::store::Require;

use crate::plan::{Plan, Planned};
use crate::seen::{Seen, SeenAccounts};

/// A set of one account, which is new or was loaded lately at the version that the set expects. All its conditions are
/// such that its statements hold them by themselves; who is at fault when one does not is not told by them.
pub(crate) struct Member {
    pub(crate) plan: Plan,
    pub(crate) account: AccountId,
    /// Nothing when the account is new.
    pub(crate) seen: Option<Box<Seen>>,
    pub(crate) conditions: Conditions,
    /// It writes an activity and nothing else.
    pub(crate) is_login: bool,
    /// Digests of the accounts, identities, usernames and single-use keys that no other set of the same batch may name.
    pub(crate) touches: Vec<u64>,
}

/// What the set requires of the account besides the versions of what it writes.
#[derive(Default)]
pub(crate) struct Conditions {
    pub(crate) account: Option<Version>,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) activity: Option<Version>,
}

/// The writes of a set, where there is at most one of each kind, all of one account.
#[derive(Default)]
struct Parts<'a> {
    account: Option<AccountId>,
    insert: Option<&'a Account>,
    update: Option<(&'a Account, Version)>,
    activity: Option<Version>,
    uses_up: bool,
}

impl Member {
    /// The set itself when it must be applied alone.
    pub(crate) fn of(plan: Plan, accounts: &SeenAccounts) -> Result<Self, Plan> {
        let Some((account, is_new, is_login)) = shape(&plan) else {
            return Err(plan);
        };
        let seen = if is_new { None } else { accounts.take(account) };
        let Some(conditions) = conditions(&plan, account, seen.as_deref()) else {
            return Err(plan);
        };
        let touches = touches(&plan, account);
        Ok(Self { plan, account, seen, conditions, is_login, touches })
    }
}

/// Whose set it is, whether the account is new, and whether only its activity is written.
fn shape(plan: &Plan) -> Option<(AccountId, bool, bool)> {
    let parts = Parts::of(plan)?;
    let is_new = parts.insert.is_some();
    let is_login = parts.activity.is_some()
        && parts.update.is_none()
        && !parts.uses_up
        && plan.events.is_empty();
    Some((parts.account?, is_new, is_login))
}

impl<'a> Parts<'a> {
    fn of(plan: &'a Plan) -> Option<Self> {
        let mut parts = Self::default();
        for write in &plan.writes {
            let account = match write {
                Planned::Insert { account, .. } if parts.insert.is_none() => {
                    parts.insert = Some(account);
                    account.id
                }
                Planned::Update { account, expect, .. } if parts.update.is_none() => {
                    parts.update = Some((account, *expect));
                    account.id
                }
                Planned::Activity { id, expect, .. } if parts.activity.is_none() => {
                    parts.activity = Some(*expect);
                    *id
                }
                Planned::UseUp { .. } => {
                    parts.uses_up = true;
                    continue;
                }
                _ => return None,
            };
            if *parts.account.get_or_insert(account) != account {
                return None;
            }
        }
        let replaces = parts.update.is_some() || parts.activity.is_some();
        (parts.insert.is_some() != replaces).then_some(parts)
    }
}

/// What is left of the conditions for the statements to check; nothing when something speaks against the set already,
/// or the statements cannot check it.
fn conditions(plan: &Plan, account: AccountId, seen: Option<&Seen>) -> Option<Conditions> {
    let parts = Parts::of(plan)?;
    let Some(seen) = seen else {
        return (parts.insert.is_some() && plan.require.is_empty()).then(Conditions::default);
    };
    let mut conditions = Conditions::default();
    for require in &plan.require {
        // Once each: there is room for one.
        match require {
            Require::Account(id, version) if *id == account && conditions.account.is_none() => {
                conditions.account = Some(*version);
            }
            Require::Epoch(id, epoch) if *id == account && conditions.epoch.is_none() => {
                conditions.epoch = Some(*epoch);
            }
            Require::Activity(id, version) if *id == account && conditions.activity.is_none() => {
                conditions.activity = Some(*version);
            }
            _ => return None,
        }
    }
    if let Some((update, expect)) = parts.update {
        // The statement holds the account's version, and with it all else of the account.
        let before = &seen.account;
        let username = update.username.as_ref();
        let stays = before.version == expect
            && conditions.account.take().is_none_or(|version| version == expect)
            && conditions.epoch.take().is_none_or(|epoch| epoch.number() == before.epoch)
            && username.map(|username| &username.key) == before.username_key.as_ref()
            && username.map(|username| &username.shown) == before.username.as_ref();
        if !stays {
            return None;
        }
    }
    if let Some(expect) = parts.activity {
        let holds = seen.activity.version == expect
            && conditions.activity.take().is_none_or(|version| version == expect);
        if !holds {
            return None;
        }
    }
    Some(conditions)
}

fn touches(plan: &Plan, account: AccountId) -> Vec<u64> {
    let mut touches = vec![digest(account)];
    for write in &plan.writes {
        match write {
            Planned::Insert { account, .. } | Planned::Update { account, .. } => {
                touches.extend(account.identities.iter().map(|identity| digest(&identity.key)));
                touches.extend(account.username.as_ref().map(|username| digest(&username.key)));
            }
            Planned::UseUp { key, .. } => touches.push(digest(key)),
            _ => {}
        }
    }
    touches
}

fn digest(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
