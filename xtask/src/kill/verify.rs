use super::api::Api;
use super::http::{Answer, Asked, Unanswered};
use super::ledger::{Counts, Kind, Ledger, Linked, Player, State};
use crate::clock::Moment;
use crate::failure::{Failure, Result};

#[derive(Default)]
pub(crate) struct Verified {
    pub(crate) counts: Counts,
    pub(crate) unanswered: Unsure,
    /// What was asked about the cases under `/v1/`.
    pub(crate) answers: u64,
    pub(crate) lost: Vec<String>,
}

/// What became of requests without an answer. All of it is allowed; a run in which one side is always zero does not
/// hit the moments it wants to hit.
#[derive(Default)]
pub(crate) struct Unsure {
    happened: u64,
    did_not: u64,
    v1_happened: u64,
    v1_did_not: u64,
    retried_refreshes: u64,
    refreshes_out_of_grace: u64,
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        Self::new(format!("no answer while nothing is killed: {}", unanswered.0))
    }
}

pub(crate) fn ledger(api: &Api, ledger: &mut Ledger) -> Result<Verified> {
    let mut verified = Verified::default();
    for player in &mut ledger.players {
        session(api, player, &mut verified)?;
        identities(api, player, &mut verified)?;
    }
    for (device, account, _) in &ledger.contested {
        let answer = api.device(device, false)?;
        verified.must_be(&answer, account, device);
        verified.counts.count(Kind::Login);
    }
    for device in &ledger.unanswered {
        let answer = api.device(device, false)?;
        verified.may_be(&answer, None, device);
    }
    Ok(verified)
}

/// The tokens of a player do what they have to.
pub(crate) fn session(api: &Api, player: &mut Player, verified: &mut Verified) -> Result<()> {
    let what = format!("session of {}", player.account);
    if player.may_refresh() {
        let asked = Moment::now();
        let answer = api.refresh(&player.session.refresh);
        let answer = answer.inspect_err(|_| player.session.unanswered_refresh(asked))?;
        let retried = player.is_urgent();
        match answer.grant() {
            Some(grant) if grant.account == player.account => {
                player.session.renewed(grant);
                verified.unanswered.retried_refreshes += u64::from(retried);
                verified.counts.count(Kind::Refresh);
            }
            None if answer.status == 401 && player.session.may_be_refused() => {
                player.session.state = State::Over;
                verified.unanswered.refreshes_out_of_grace += 1;
            }
            _ => verified.lose(&what, &answer),
        }
        return Ok(());
    }
    if matches!(player.session.state, State::LoggedOut) {
        let answer = api.account(&player.session.access)?;
        if answer.status != 401 {
            verified.lose(&format!("{what}, access after its logout"), &answer);
        }
        let answer = api.refresh(&player.session.refresh)?;
        if answer.status != 401 {
            verified.lose(&format!("{what}, refresh after its logout"), &answer);
        }
        verified.counts.count(Kind::Logout);
    }
    Ok(())
}

/// What was linked to a player logs in to that player.
pub(crate) fn identities(api: &Api, player: &mut Player, verified: &mut Verified) -> Result<()> {
    let device = player.device.clone();
    linked(player, &device, Kind::Login, verified, |id| api.device(id, false))?;
    let custom = player.custom.clone();
    linked(player, &custom, Kind::Link, verified, |id| api.custom(id, false))?;
    let device = player.second_device.clone();
    linked(player, &device, Kind::Link, verified, |id| api.device(id, false))?;
    if let Some(email) = &player.email {
        let answer = api.email(&email.address, &email.password, false)?;
        verified.must_be(&answer, &player.account, &email.address);
        verified.counts.count(Kind::SignUp);
        player.logged_in();
    }
    Ok(())
}

fn linked(
    player: &mut Player,
    linked: &Linked,
    kind: Kind,
    verified: &mut Verified,
    login: impl FnOnce(&str) -> Asked,
) -> Result<()> {
    match linked {
        Linked::No | Linked::Contested => {}
        Linked::Acknowledged(id) => {
            let answer = login(id)?;
            player.logged_in();
            verified.must_be(&answer, &player.account, id);
            verified.counts.count(kind);
        }
        Linked::Unanswered(id) => {
            let answer = login(id)?;
            player.logged_in();
            verified.may_be(&answer, Some(&player.account), id);
        }
    }
    Ok(())
}

impl Verified {
    pub(crate) fn add(&mut self, more: Self) {
        self.counts.add(&more.counts);
        self.answers += more.answers;
        self.unanswered.happened += more.unanswered.happened;
        self.unanswered.did_not += more.unanswered.did_not;
        self.unanswered.v1_happened += more.unanswered.v1_happened;
        self.unanswered.v1_did_not += more.unanswered.v1_did_not;
        self.unanswered.retried_refreshes += more.unanswered.retried_refreshes;
        self.unanswered.refreshes_out_of_grace += more.unanswered.refreshes_out_of_grace;
        self.lost.extend(more.lost);
    }

    fn must_be(&mut self, answer: &Answer, account: &str, identity: &str) {
        match answer.grant() {
            Some(grant) if grant.account == account && !grant.created => {}
            Some(grant) => self
                .lost
                .push(format!("{identity}: acknowledged for {account}, now on {}", grant.account)),
            None => self.lose(&format!("{identity} of {account}"), answer),
        }
    }

    fn may_be(&mut self, answer: &Answer, account: Option<&str>, identity: &str) {
        match answer.grant() {
            Some(grant) if account.is_none_or(|account| grant.account == account) => {
                self.unanswered.happened += 1;
            }
            Some(grant) => self
                .lost
                .push(format!("{identity}: asked for by {account:?}, now on {}", grant.account)),
            None if answer.status == 404 => self.unanswered.did_not += 1,
            None => self.lose(identity, answer),
        }
    }

    pub(crate) fn settled(&mut self, happened: bool) {
        self.unanswered.v1_happened += u64::from(happened);
        self.unanswered.v1_did_not += u64::from(!happened);
    }

    pub(crate) fn lose(&mut self, what: &str, answer: &Answer) {
        self.lost.push(format!("{what}: {}", answer.describe()));
    }
}

impl std::fmt::Display for Unsure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            happened,
            did_not,
            v1_happened,
            v1_did_not,
            retried_refreshes,
            refreshes_out_of_grace,
        } = self;
        write!(
            f,
            "{happened} had happened, {did_not} had not (under /v1/ {v1_happened}, {v1_did_not}), \
             {retried_refreshes} refreshes repeated, {refreshes_out_of_grace} refreshes out of grace"
        )
    }
}
