use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::lifecycle::{PastBan, Refunds};
use crate::mapping::ForcingTicket;
use crate::transfer::TransferAccount;

/// What few accounts have: kept together, so that an account without it costs nothing. Exhaustive on purpose, like
/// [`Account`](super::Account). A store may keep it as the JSON that serde makes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Records {
    /// Bans that are over, oldest first; the latest [`PAST_BANS`](Self::PAST_BANS).
    pub past_bans: Vec<PastBan>,
    /// The refunds that count towards the next lockdown.
    pub refunds: Refunds,
    /// Tickets for identities that the account proved and another one owns.
    pub tickets: Vec<ForcingTicket>,
    /// The transfer account.
    pub transfer: Option<Box<TransferAccount>>,
}

impl Records {
    /// How many past bans are kept at most.
    pub const PAST_BANS: usize = 100;
    /// How many tickets are kept at most; the oldest gives way.
    pub const TICKETS: usize = 16;
    /// How long a ticket is remembered after its end, so that its player is told that it has expired. No ticket lives
    /// longer than this, so each is remembered at least as long again.
    pub const TICKET_MEMORY: TimeDelta = TimeDelta::days(1);

    /// From when on a ticket is forgotten.
    pub(crate) fn ticket_forgotten_at(ticket: &ForcingTicket) -> DateTime<Utc> {
        ticket
            .expires_at
            .checked_add_signed(Self::TICKET_MEMORY)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
