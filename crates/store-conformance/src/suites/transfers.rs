use authcore::store::Conflict;
use authcore::transfer::{TransferAccount, TransferState};

use crate::make::{
    Build, account, activity, bare, full_account, full_activity, full_transfer, id,
    lookup_transfer, set, transfer, transfer_key, with_epoch, with_transfer,
};
use crate::trial::{Trial, losers_of_one_winner};

/// How many race for one key.
const MANY: u32 = 32;

fn taken(number: u32) -> Conflict {
    Conflict::TransferTaken(transfer_key(number))
}

/// The account that a transfer account leads to.
async fn owner_of(on: &Trial, key: u32) -> Option<u32> {
    let found = on.load(&lookup_transfer(key)).await?;
    let key = found.account.records.transfer.as_ref().map(|transfer| transfer.key);
    assert!(key.is_some(), "what is found by a key has one");
    (0..100).find(|number| found.account.id == id(*number))
}

pub(crate) async fn key_leads_to_its_account(on: &mut Trial) {
    let mut made = with_transfer(account(1), 7);
    made.records.transfer = Some(full_transfer(7).into());
    on.ok(&set().insert_with(made.clone(), activity(3)).insert(with_transfer(account(2), 8))).await;
    let found = on.load(&lookup_transfer(7)).await;
    assert_eq!(found, Some(on.get(id(1)).await), "the same snapshot by either way");
    assert_eq!(found.map(|found| found.account), Some(made));
    assert_eq!(on.load(&lookup_transfer(9)).await, None);
    let lookups = [8, 9, 7].map(lookup_transfer);
    let many = on.store().load_many(&lookups).await;
    let ids: Vec<_> =
        many.iter().flatten().map(|found| found.as_ref().map(|found| found.account.id)).collect();
    assert_eq!(ids, [Some(id(2)), None, Some(id(1))]);
}

pub(crate) async fn key_has_one_owner(on: &mut Trial) {
    on.ok(&set().insert(with_transfer(bare(1), 7)).insert(bare(2))).await;
    on.refused(&set().insert(with_transfer(bare(3), 7)), taken(7)).await;
    on.refused(&set().update(with_transfer(bare(2), 7), 1), taken(7)).await;
    // Whether it may still be used is not the store's business.
    let mut spent = with_transfer(bare(1), 7);
    for (version, state) in (1..).zip([TransferState::Used, TransferState::Deleted]) {
        spent.records.transfer = Some(TransferAccount { state, ..transfer(7) }.into());
        on.ok(&set().update(spent.clone(), version)).await;
        on.refused(&set().update(with_transfer(bare(2), 7), 1), taken(7)).await;
    }
    assert_eq!(owner_of(on, 7).await, Some(1));
}

pub(crate) async fn any_number_have_none(on: &mut Trial) {
    on.ok(&set().insert(bare(1)).insert(bare(2)).insert(account(3))).await;
    on.ok(&set().update(bare(1), 1).update(bare(2), 1)).await;
    assert_eq!(on.get(id(2)).await.account, bare(2));
}

pub(crate) async fn owner_keeps_its_key(on: &mut Trial) {
    on.ok(&set().insert(with_transfer(account(1), 7))).await;
    on.ok(&set().update(with_epoch(with_transfer(account(1), 7), 1), 1)).await;
    let mut renewed = with_transfer(account(1), 7);
    renewed.records.transfer = Some(full_transfer(7).into());
    on.ok(&set().update(renewed.clone(), 2)).await;
    assert_eq!(owner_of(on, 7).await, Some(1));
    assert_eq!(on.get(id(1)).await.account, renewed);
}

pub(crate) async fn released_key_is_free(on: &mut Trial) {
    on.ok(&set().insert(with_transfer(bare(1), 7)).insert(bare(2))).await;
    // One key in place of another, then none.
    on.ok(&set().update(with_transfer(bare(1), 8), 1)).await;
    assert_eq!((owner_of(on, 7).await, owner_of(on, 8).await), (None, Some(1)));
    on.ok(&set().update(with_transfer(bare(2), 7), 1)).await;
    on.refused(&set().update(with_transfer(bare(1), 7), 2), taken(7)).await;
    on.ok(&set().update(bare(1), 2)).await;
    on.ok(&set().insert(with_transfer(bare(3), 8))).await;
    assert_eq!((owner_of(on, 7).await, owner_of(on, 8).await), (Some(2), Some(3)));
}

pub(crate) async fn deleted_accounts_key_is_free(on: &mut Trial) {
    on.ok(&set().insert_with(full_account(1), full_activity(1))).await;
    on.ok(&set().delete(1, 1)).await;
    assert_eq!(owner_of(on, 1).await, None);
    on.ok(&set().insert(with_transfer(bare(2), 1))).await;
    assert_eq!(owner_of(on, 1).await, Some(2));
}

pub(crate) async fn key_moves_in_one_set(on: &mut Trial) {
    on.ok(&set().insert(with_transfer(bare(1), 7)).insert(bare(2))).await;
    on.ok(&set().update(bare(1), 1).update(with_transfer(bare(2), 7), 1)).await;
    assert_eq!(owner_of(on, 7).await, Some(2));
    // And back, with the taker written before the giver.
    on.ok(&set().update(with_transfer(bare(1), 7), 2).update(bare(2), 2)).await;
    assert_eq!(owner_of(on, 7).await, Some(1));
    // To one that is made in the set, from one that goes with it.
    on.ok(&set().insert(with_transfer(bare(3), 7)).update(bare(1), 3)).await;
    on.ok(&set().insert(with_transfer(bare(4), 7)).delete(3, 1)).await;
    assert_eq!(owner_of(on, 7).await, Some(4));
    on.ok(&set().delete(4, 1).insert(with_transfer(bare(5), 7))).await;
    assert_eq!(owner_of(on, 7).await, Some(5));
}

pub(crate) async fn keys_swap_in_one_set(on: &mut Trial) {
    let with = |number, key| with_transfer(bare(number), key);
    on.ok(&set().insert(with(1, 7)).insert(with(2, 8)).insert(with(3, 9))).await;
    on.ok(&set().update(with(1, 8), 1).update(with(2, 7), 1)).await;
    on.ok(&set().update(with(1, 9), 2).update(with(2, 8), 2).update(with(3, 7), 1)).await;
    for (key, number) in [(9, 1), (8, 2), (7, 3)] {
        assert_eq!(owner_of(on, key).await, Some(number));
    }
}

pub(crate) async fn one_set_gives_no_key_twice(on: &mut Trial) {
    on.ok(&set().insert(with_transfer(bare(8), 8)).insert(bare(9))).await;
    let (one, other) = (with_transfer(bare(1), 7), with_transfer(bare(2), 7));
    on.refused(&set().insert(one.clone()).insert(other.clone()), taken(7)).await;
    on.refused(&set().insert(one).update(with_transfer(bare(9), 7), 1), taken(7)).await;
    // What one gives away, only one may take.
    let two = set().insert(with_transfer(bare(1), 8)).insert(with_transfer(bare(2), 8));
    on.refused(&two.update(bare(8), 1), taken(8)).await;
    // What is written without being given away is kept.
    let kept = set().insert(with_transfer(bare(1), 8)).update(with_transfer(bare(8), 8), 1);
    on.refused(&kept, taken(8)).await;
}

pub(crate) async fn one_key_has_one_winner(on: &mut Trial) {
    let sets = (0..MANY).map(|number| set().insert(with_transfer(bare(number), 7))).collect();
    for conflict in losers_of_one_winner(on.race(sets).await) {
        assert_eq!(conflict, taken(7));
    }
    assert!(owner_of(on, 7).await.is_some());
}
