use authcore::account::{Account, Ordinal, Records};
use authcore::lifecycle::{
    Amount, Ban, BanPeriod, BanSource, BanState, Expiry, GraceBan, PastBan, Refunds, ReleaseRule,
    Standing, Withdrawal, WithdrawalCause,
};
use authcore::mapping::ForcingTicket;
use authcore::transfer::{IssuedBy, TransferAccount, TransferState};

use crate::make::{
    Build, NASTY, at, ban, ban_ends, bare, device, full_ban, full_grace, full_records,
    full_transfer, id, set, ticket, transfer, with_identity,
};
use crate::trial::Trial;

/// Each comes back when it takes the place of the one before, and when it is made.
async fn all_come_back(on: &Trial, accounts: &[Account]) {
    on.ok(&set().insert(bare(1))).await;
    let mut version = 1;
    for account in accounts {
        on.ok(&set().update(account.clone(), version)).await;
        assert_eq!(on.get(id(1)).await.account, *account);
        version += 1;
    }
    on.ok(&set().delete(1, version)).await;
    for account in accounts {
        on.ok(&set().insert(account.clone())).await;
        assert_eq!(on.get(id(1)).await.account, *account);
        on.ok(&set().delete(1, 1)).await;
    }
}

async fn all_bans_come_back(on: &Trial, bans: impl IntoIterator<Item = BanState>) {
    let with = |ban| Account { ban, ..bare(1) };
    all_come_back(on, &bans.into_iter().map(with).collect::<Vec<_>>()).await;
}

async fn all_records_come_back(on: &Trial, records: impl IntoIterator<Item = Records>) {
    let with = |records| Account { records, ..bare(1) };
    all_come_back(on, &records.into_iter().map(with).collect::<Vec<_>>()).await;
}

pub(crate) async fn every_ban_comes_back(on: &mut Trial) {
    let sources = [
        BanSource::Console,
        BanSource::AppServer,
        BanSource::AppGuard,
        BanSource::PurchaseAbuse,
        BanSource::Other,
    ];
    let by_source = sources.map(|source| Ban { source, ..full_ban(1) });
    let others = [
        ban(Expiry::Never),
        ban(Expiry::At(at(9))),
        // A permanent ban after a temporary one keeps no date.
        ban(Expiry::Never),
        Ban { template: Some(0), flags: vec!["".into()], ..ban(Expiry::Never) },
    ];
    let bans = by_source.into_iter().chain(others).map(|ban| BanState::Banned(ban.into()));
    all_bans_come_back(on, bans.chain([BanState::None])).await;
}

pub(crate) async fn every_grace_ban_comes_back(on: &mut Trial) {
    let (amount, count) = (Amount::minor(u64::MAX), u32::MAX);
    let rules = [
        ReleaseRule::Amount { amount },
        ReleaseRule::Count { count },
        ReleaseRule::All { amount, count },
        ReleaseRule::Any { amount, count },
    ];
    let by_rule = rules.map(|rule| GraceBan { rule, ..full_grace(1) });
    let plain = GraceBan {
        message: "".into(),
        currency: "".into(),
        payments: Vec::new(),
        then: BanPeriod::Permanent,
        template: None,
        ..full_grace(1)
    };
    let bans = by_rule.into_iter().chain([plain]).map(|grace| BanState::Grace(grace.into()));
    // What a missed deadline makes of it, and what a payment does.
    all_bans_come_back(on, bans.chain([BanState::Banned(full_ban(1).into()), BanState::None]))
        .await;
}

pub(crate) async fn every_withdrawal_comes_back(on: &mut Trial) {
    let causes = [
        WithdrawalCause::Player,
        WithdrawalCause::Operator,
        WithdrawalCause::Server,
        WithdrawalCause::Provider,
        WithdrawalCause::GraceExpired,
    ];
    let done = causes.map(|cause| Withdrawal::Done { at: at(3), cause });
    let others = [Withdrawal::Pending { since: at(-1), due: at(2) }, Withdrawal::None];
    let with = |withdrawal| Account { withdrawal, ..bare(1) };
    all_come_back(on, &done.into_iter().chain(others).map(with).collect::<Vec<_>>()).await;
}

pub(crate) async fn past_bans_come_back_in_order(on: &mut Trial) {
    let past = |(number, end)| PastBan { ban: full_ban(number), end };
    let past_bans: Vec<_> = (1..).zip(ban_ends(1)).map(past).collect();
    let reversed = past_bans.iter().rev().cloned().collect();
    let many = past_bans.iter().cycle().take(Records::PAST_BANS).cloned().collect();
    let lists = [past_bans, reversed, many, Vec::new()];
    all_records_come_back(on, lists.map(|past_bans| Records { past_bans, ..Records::default() }))
        .await;
}

pub(crate) async fn every_ticket_comes_back(on: &mut Trial) {
    let standings = [
        Standing::Withdrawn,
        Standing::Missing,
        Standing::Banned,
        Standing::GraceBanned,
        Standing::WithdrawalPending,
        Standing::Normal,
    ];
    let tickets = standings.into_iter().zip(1..).flat_map(|(owner_standing, number)| {
        let kept = ForcingTicket { owner_standing, ..ticket(number, at(9)) };
        let (used_at, ordinal) = (Some(at(8)), Some(Ordinal::new(u32::MAX)));
        let used = ForcingTicket { used_at, ordinal, ..ticket(number + 100, at(-9)) };
        [kept, used]
    });
    let all = Records { tickets: tickets.collect(), ..Records::default() };
    all_records_come_back(on, [full_records(1), all, Records::default()]).await;
}

pub(crate) async fn every_transfer_account_comes_back(on: &mut Trial) {
    let states = [
        TransferState::Issued { failures: 0 },
        TransferState::Issued { failures: u32::MAX },
        TransferState::Blocked { failures: 5, until: Expiry::Never },
        TransferState::Blocked { failures: u32::MAX, until: Expiry::At(at(7)) },
        TransferState::Used,
        TransferState::Deleted,
    ];
    let by_state = states.map(|state| TransferAccount { state, ..full_transfer(1) });
    let others = [
        transfer(1),
        TransferAccount { issued_by: IssuedBy::Manual, id: Some("".into()), ..transfer(2) },
        TransferAccount { password_hash: Some(NASTY.into()), ..transfer(2) },
    ];
    let with = |transfer: TransferAccount| Records {
        transfer: Some(transfer.into()),
        ..Records::default()
    };
    let records = by_state.into_iter().chain(others).map(with);
    all_records_come_back(on, records.chain([Records::default()])).await;
}

pub(crate) async fn every_refund_counts(on: &mut Trial) {
    let refunds = [
        Refunds { count: 1, amount: Amount::minor(0) },
        Refunds { count: 0, amount: Amount::minor(1) },
        Refunds { count: u32::MAX, amount: Amount::minor(u64::MAX) },
        Refunds::default(),
    ];
    all_records_come_back(on, refunds.map(|refunds| Records { refunds, ..Records::default() }))
        .await;
}

pub(crate) async fn identity_data_comes_back(on: &mut Trial) {
    let large = format!("{{\"a\":\"{}\"}}", "\u{1f600}".repeat(1000));
    let data = [Some("{\"a\": [1, 2.50, null]}"), Some(NASTY), Some(""), None, Some(&large), None];
    let with = |data: Option<&str>| {
        let mut account = with_identity(with_identity(bare(1), device("a")), device("b"));
        for identity in account.identities.iter_mut().take(1) {
            identity.data = data.map(Into::into);
        }
        account
    };
    all_come_back(on, &data.map(with)).await;
}
