//! A loader for a running host: some connections on this machine, each asking again as soon as it was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use authcore_benches::Outcome;
use authcore_benches::engine::{device, mix};
use authcore_benches::measure::instant;
use authcore_benches::usage::{family, threads};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Parser, ValueEnum};
use serde::Deserialize;

/// Loads a host on this machine and tells how it did.
#[derive(Clone, Parser)]
struct Options {
    /// What to ask for.
    #[arg(value_enum)]
    scenario: Scenario,
    /// Where the host listens; a loopback address.
    #[arg(long, default_value = "127.0.0.1:7350")]
    host: SocketAddr,
    /// The host's server key.
    #[arg(long, default_value = "defaultkey")]
    server_key: String,
    /// How many connections.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    connections: u64,
    /// For how many seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How many accounts take part; the missing ones are made first.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    accounts: u64,
    /// The host's process id, to tell its CPU time per request.
    #[arg(long)]
    pid: Option<u32>,
    /// The process id of the host's database server, to tell the CPU time of all its processes per request.
    #[arg(long)]
    database_pid: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Scenario {
    /// Devices with accounts log in.
    DeviceLogin,
    /// New devices log in.
    DeviceCreate,
    /// Refresh tokens are traded in.
    Refresh,
    /// Players read their accounts.
    Account,
    /// Players link a custom id, and unlink it again.
    LinkUnlink,
    /// Is the host alive?
    Health,
    /// Players log in with email address and password; use few accounts.
    EmailLogin,
}

#[derive(Deserialize)]
struct Tokens {
    token: String,
    refresh_token: String,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    if !options.host.ip().is_loopback() {
        return Err("only hosts on this machine are loaded".into());
    }
    let options = Options { accounts: options.accounts.max(options.connections), ..options };
    let run = mix(u64::from(std::process::id()) ^ mix(clock()));
    let fresh = Arc::new(AtomicU64::new(run >> 1));
    // Everybody is ready before anybody is measured.
    let mut clients = each((0..options.connections).collect(), {
        let options = options.clone();
        move |number| Client::ready(&options, number, Arc::clone(&fresh))
    })?;
    let cpu = || {
        let host = options.pid.map(|pid| threads(&pid.to_string(), |_| true)).transpose()?;
        let database = options.database_pid.map(family).transpose()?;
        Outcome::Ok([("host", host), ("database", database)])
    };
    let (before, started) = (cpu()?, instant());
    let until = started + Duration::from_secs(options.seconds);
    clients = each(clients, move |mut client| {
        client.run(until)?;
        Ok(client)
    })?;
    let took = started.elapsed();
    let after = cpu()?;
    let done = report(&clients, took);
    for ((of, before), (_, after)) in before.into_iter().zip(after) {
        if let Some((before, after)) = before.zip(after) {
            let cpu = (after - before).total();
            println!("{:.1} us of the {of}'s CPU per request", cpu * 1e6 / done);
        }
    }
    Ok(())
}

fn clock() -> u64 {
    authcore_benches::engine::now().timestamp_micros().cast_unsigned()
}

/// Does something on a thread for each.
fn each<A: Send + 'static, B: Send + 'static>(
    all: Vec<A>,
    run: impl Fn(A) -> Outcome<B> + Send + Sync + 'static,
) -> Outcome<Vec<B>> {
    let run = Arc::new(run);
    let spawn = |one| {
        let run = Arc::clone(&run);
        thread::spawn(move || run(one))
    };
    let threads: Vec<_> = all.into_iter().map(spawn).collect();
    let join =
        |thread: thread::JoinHandle<Outcome<B>>| thread.join().map_err(|_| "a thread died")?;
    threads.into_iter().map(join).collect()
}

/// How many requests there were.
fn report(clients: &[Client], took: Duration) -> f64 {
    let mut times: Vec<_> = clients.iter().flat_map(|client| &client.times).copied().collect();
    times.sort_unstable();
    let mut statuses = BTreeMap::<u16, u64>::new();
    for (status, count) in clients.iter().flat_map(|client| &client.statuses) {
        *statuses.entry(*status).or_default() += count;
    }
    let done: u64 = statuses.values().sum();
    let at = |hundredth: usize| {
        let time = times.get((times.len() * hundredth / 100).min(times.len().saturating_sub(1)));
        time.map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let done = done as f64;
    let rate = done / took.as_secs_f64();
    println!("{rate:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms, {statuses:?}", at(50), at(99));
    done
}

/// One connection and the players that it acts for.
struct Client {
    options: Options,
    number: u64,
    stream: BufReader<TcpStream>,
    players: Vec<(u64, Tokens)>,
    /// Whose custom ids are linked.
    linked: BTreeSet<u64>,
    fresh: Arc<AtomicU64>,
    times: Vec<u32>,
    statuses: BTreeMap<u16, u64>,
    body: Vec<u8>,
}

impl Client {
    fn ready(options: &Options, number: u64, fresh: Arc<AtomicU64>) -> Outcome<Self> {
        let stream = TcpStream::connect(options.host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut client = Self {
            options: options.clone(),
            number,
            stream: BufReader::new(stream),
            players: Vec::new(),
            linked: BTreeSet::new(),
            fresh,
            times: Vec::new(),
            statuses: BTreeMap::new(),
            body: Vec::new(),
        };
        if !matches!(options.scenario, Scenario::DeviceCreate | Scenario::Health) {
            let step = usize::try_from(options.connections)?;
            for account in (number..options.accounts).step_by(step) {
                let tokens = client.log_in(account)?;
                client.players.push((account, tokens));
            }
        }
        Ok(client)
    }

    fn run(&mut self, until: Instant) -> Outcome<()> {
        let mut turn = 0;
        loop {
            let started = instant();
            if started >= until {
                return Ok(());
            }
            let status = self.once(turn)?;
            self.times.push(u32::try_from(started.elapsed().as_micros())?);
            *self.statuses.entry(status).or_default() += 1;
            turn += 1;
        }
    }

    fn once(&mut self, turn: u64) -> Outcome<u16> {
        let length = u64::try_from(self.players.len())?.max(1);
        let any = usize::try_from(mix(turn ^ self.number << 40) % length)?;
        let player = self.players.get(any).map(|(account, tokens)| (*account, tokens));
        let missing = "nobody to act for";
        match self.options.scenario {
            Scenario::DeviceCreate => {
                let number = self.fresh.fetch_add(1, Ordering::Relaxed);
                let body = format!(r#"{{"id":"{}"}}"#, device(number));
                self.ask("POST", "/v2/account/authenticate/device", None, &body)
            }
            Scenario::DeviceLogin | Scenario::EmailLogin => {
                let (account, _) = player.ok_or(missing)?;
                let (path, body) = self.login_of(account);
                self.ask("POST", path, None, &body)
            }
            Scenario::Account => {
                let token = player.ok_or(missing)?.1.token.clone();
                let status = self.ask("GET", "/v2/account", Some(&token), "")?;
                self.expired(any, status)?;
                Ok(status)
            }
            Scenario::LinkUnlink => {
                let (account, tokens) = player.ok_or(missing)?;
                let token = tokens.token.clone();
                let linked = self.linked.contains(&account);
                let verb = if linked { "unlink" } else { "link" };
                let path = format!("/v2/account/{verb}/custom");
                let body = format!(r#"{{"id":"load-{account}"}}"#);
                let status = self.ask("POST", &path, Some(&token), &body)?;
                self.expired(any, status)?;
                if status == 200 && !self.linked.remove(&account) {
                    self.linked.insert(account);
                }
                Ok(status)
            }
            Scenario::Health => self.ask("GET", "/healthcheck", None, ""),
            Scenario::Refresh => {
                let (_, tokens) = player.ok_or(missing)?;
                let body = format!(r#"{{"token":"{}"}}"#, tokens.refresh_token);
                let status = self.ask("POST", "/v2/account/session/refresh", None, &body)?;
                if status == 200 {
                    let tokens = serde_json::from_slice(&self.body)?;
                    self.replace(any, tokens);
                }
                Ok(status)
            }
        }
    }

    /// Access tokens are short-lived.
    fn expired(&mut self, player: usize, status: u16) -> Outcome<()> {
        if status == 401
            && let Some((account, _)) = self.players.get(player)
        {
            let tokens = self.log_in(*account)?;
            self.replace(player, tokens);
        }
        Ok(())
    }

    fn replace(&mut self, player: usize, with: Tokens) {
        if let Some((_, tokens)) = self.players.get_mut(player) {
            *tokens = with;
        }
    }

    fn log_in(&mut self, account: u64) -> Outcome<Tokens> {
        let (path, body) = self.login_of(account);
        match self.ask("POST", path, None, &body)? {
            200 => Ok(serde_json::from_slice(&self.body)?),
            status => {
                let text = String::from_utf8_lossy(&self.body);
                Err(format!("a login was answered with {status}: {text}").into())
            }
        }
    }

    fn login_of(&self, account: u64) -> (&'static str, String) {
        if self.options.scenario == Scenario::EmailLogin {
            let body = format!(
                r#"{{"email":"player-{account}@example.com","password":"the password of {account}"}}"#
            );
            ("/v2/account/authenticate/email", body)
        } else {
            let body = format!(r#"{{"id":"{}"}}"#, device(account));
            ("/v2/account/authenticate/device", body)
        }
    }

    /// Sends a request and reads the answer's body; the answer's status.
    fn ask(&mut self, verb: &str, path: &str, bearer: Option<&str>, body: &str) -> Outcome<u16> {
        let authorization = match bearer {
            Some(token) => format!("Bearer {token}"),
            None => format!("Basic {}", STANDARD.encode(format!("{}:", self.options.server_key))),
        };
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.options.host,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).ok_or("no answer")?.parse()?;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse()?;
                }
                Some((name, _)) if name.eq_ignore_ascii_case("transfer-encoding") => {
                    return Err("the answer is in chunks, which this loader does not read".into());
                }
                Some(_) => {}
                None => break,
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(status)
    }
}
