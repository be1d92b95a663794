use super::api::Api;
use super::case::{Case, Move, Ticket};
use super::facts::{Id, Identity, Write};
use crate::kill::http::{Asked, Unanswered};
use crate::kill::ledger::Kind;
use crate::kill::writer::{Round, Written};
use crate::random::Random;

pub(crate) struct Writer<'a> {
    index: u64,
    api: Api,
    cases: &'a mut Vec<Case>,
    random: Random,
    round: &'a Round<'a>,
    made: u32,
    written: Written,
}

/// Of how many cases most is asked: they move on, the others have to stay as they are.
const RECENT: usize = 3;

impl<'a> Writer<'a> {
    pub(crate) fn new(
        index: u64,
        api: Api,
        cases: &'a mut Vec<Case>,
        random: Random,
        round: &'a Round<'a>,
    ) -> Self {
        Self { index, api, cases, random, round, made: 0, written: Written::default() }
    }

    /// Writes until the host is gone, or the round is over.
    pub(crate) fn run(mut self) -> Written {
        self.cases.push(Case::default());
        while !self.round.is_over() {
            let all = self.cases.len();
            let among = if self.random.below(4) == 0 { all } else { all.min(RECENT) };
            let back = usize::try_from(self.random.below(among as u64)).unwrap_or_default();
            let place = all - 1 - back;
            if self.cases.get(place).is_some_and(Case::is_in_doubt) {
                // It stays as it is until it is looked at.
                self.cases.push(Case::default());
                continue;
            }
            // It is not among the others while it is worked on.
            let mut case = self.cases.get_mut(place).map(std::mem::take).unwrap_or_default();
            let asked = self.go_on(&mut case);
            if let Some(worked_on) = self.cases.get_mut(place) {
                *worked_on = case;
            }
            match asked {
                Err(_) if self.round.goes_on() => {}
                Err(unanswered) => {
                    self.written.end(unanswered, self.round);
                    break;
                }
                Ok(()) => {}
            }
        }
        self.written
    }

    /// Asks for something that the host must do.
    fn go_on(&mut self, case: &mut Case) -> Result<(), Unanswered> {
        let fresh = self.name();
        let mut moves = case.moves(&fresh);
        let Some(chosen) = self.random.pick(&mut moves) else { return Ok(()) };
        match chosen {
            Move::Join { provider } => {
                let identity = Identity { provider: (*provider).into(), ..fresh };
                self.log_in(case, &identity)
            }
            Move::LogIn(identity) => self.log_in(case, identity),
            Move::AskForTicket { account, identity, owner } => {
                self.ask_for_ticket(case, account, identity, owner)
            }
            Move::IssueTransfer(account) => self.issue_transfer(case, account),
            Move::Write(write) => self.write(case, write),
        }
    }

    fn log_in(&mut self, case: &mut Case, identity: &Identity) -> Result<(), Unanswered> {
        let answer = self.api.login(identity, true)?;
        match answer.v1_grant() {
            Some(grant) => {
                self.written.acknowledged.count(Kind::Login);
                case.facts.logged_in(identity, grant);
            }
            None => self.written.unexpected(&format!("{identity:?}"), &answer),
        }
        Ok(())
    }

    fn ask_for_ticket(
        &mut self,
        case: &mut Case,
        account: &Id,
        identity: &Identity,
        owner: &Id,
    ) -> Result<(), Unanswered> {
        let access = case.facts.access(account).unwrap_or_default();
        let answer = self.api.link(access, identity)?;
        match answer.text("/error/ticket/secret") {
            Some(secret) => {
                self.written.acknowledged.count(Kind::Ticket);
                case.tickets.push(Ticket {
                    account: account.clone(),
                    identity: identity.clone(),
                    owner: owner.clone(),
                    secret: secret.to_owned(),
                });
            }
            None => self.written.unexpected(&format!("a ticket for {identity:?}"), &answer),
        }
        Ok(())
    }

    fn issue_transfer(&mut self, case: &mut Case, account: &Id) -> Result<(), Unanswered> {
        let access = case.facts.access(account).unwrap_or_default();
        let mut answer = self.api.issue_transfer_account(access)?;
        if answer.code() == "transfer_exists" {
            // It was asked for before, and not answered.
            answer = self.api.renew_transfer_account(access)?;
        }
        match answer.text("/id") {
            Some(id) => {
                self.written.acknowledged.count(Kind::TransferAccount);
                case.transfers.insert(account.clone(), id.to_owned());
            }
            None => self.written.unexpected(&format!("a transfer account of {account}"), &answer),
        }
        Ok(())
    }

    fn write(&mut self, case: &mut Case, write: &Write) -> Result<(), Unanswered> {
        // Nobody has it, should the write not happen.
        if let Write::Link { identity: new, .. } | Write::Transfer { to: new, .. } = write {
            case.facts.owners.entry(new.clone()).or_default();
        }
        let answer = self.ask(case, write).inspect_err(|_| case.unanswered(write))?;
        if answer.status == 200 {
            self.written.acknowledged.count(write.kind());
            case.acknowledged(write);
        } else {
            let what = format!("{} of {}", write.kind(), write.account());
            self.written.unexpected(&what, &answer);
        }
        Ok(())
    }

    fn ask(&self, case: &Case, write: &Write) -> Asked {
        let access = |id| case.facts.access(id).unwrap_or_default();
        match write {
            Write::Link { account, identity } => self.api.link(access(account), identity),
            Write::ForceLink { account, ticket, .. } => {
                self.api.force_link(access(account), ticket)
            }
            Write::Transfer { id, to, .. } => self.api.transfer(id, to, &self.address()),
            Write::Ban(account) => self.api.ban(account),
            Write::Unban(account) => self.api.unban(account),
            Write::RequestWithdrawal(account) => self.api.request_withdrawal(access(account)),
            Write::CancelWithdrawal(account) => self.api.cancel_withdrawal(access(account)),
            Write::Withdraw(account) => self.api.withdraw(access(account)),
        }
    }

    /// An address that nobody else calls from.
    fn address(&self) -> String {
        // The host takes the last half of an address for one network's.
        let Round { number, .. } = self.round;
        format!("2001:{number:x}:{:x}:{:x}::1", self.index, self.made)
    }

    /// A guest key that nobody else makes.
    fn name(&mut self) -> Identity {
        self.made += 1;
        let Round { seed, number, .. } = self.round;
        let subject = format!("v1-{seed:x}-{number}-{}-{}", self.index, self.made);
        Identity { provider: "guest".to_owned(), subject }
    }
}
