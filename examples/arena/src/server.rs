//! The game behind TCP: a line asks, a line answers, and a line tells when a match of the player's has changed.
//!
//! ```text
//! guest KEY                 in, as the guest of this device (a key has 16 bytes or more)
//! email ADDRESS PASSWORD    in, from any device (a password has 15 characters or more)
//! link ADDRESS PASSWORD     lets a guest come in by email from now on
//! join · take STONES · leave · rating
//! delete                    the account, and all that belongs to it
//! ```
//!
//! Passwords go over it: let something that speaks TLS stand before it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use authcore::{Authenticated, Credential, Link, Login, RequestContext};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;

use crate::{Arena, Error, Match, State};

/// How many bytes a connection may send in all: more than any evening of nim.
const MOST_BYTES: u64 = 64 * 1024;

/// Serves until the listener fails.
///
/// # Errors
///
/// What the listener says.
pub async fn serve(arena: Arc<Arena>, listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, address) = listener.accept().await?;
        let visit = Visit { arena: Arc::clone(&arena), from: address.ip(), who: None };
        // A connection that fails has ended.
        tokio::spawn(async move { visit.run(stream).await });
    }
}

/// One connection.
struct Visit {
    arena: Arc<Arena>,
    from: IpAddr,
    who: Option<Authenticated>,
}

impl Visit {
    async fn run(mut self, stream: TcpStream) -> io::Result<()> {
        let mut matches = self.arena.matches();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read.take(MOST_BYTES)).lines();
        loop {
            let line = tokio::select! {
                line = lines.next_line() => match line? {
                    Some(line) => self.answer(&line).await,
                    None => return Ok(()),
                },
                played = matches.recv() => match played {
                    Ok(played) => match self.sees(played) {
                        Some(line) => line,
                        None => continue,
                    },
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return Ok(()),
                },
            };
            write.write_all(format!("{line}\n").as_bytes()).await?;
        }
    }

    async fn answer(&mut self, line: &str) -> String {
        match self.obey(line).await {
            Ok(answer) => answer,
            Err(Error::Engine(authcore::Error::Refused(refusal))) => {
                format!("no {}", refusal.code())
            }
            Err(error) => format!("no {error}"),
        }
    }

    async fn obey(&mut self, line: &str) -> Result<String, Error> {
        let words: Vec<_> = line.splitn(3, ' ').collect();
        match (&words[..], &self.who) {
            (["guest", key], _) => self.come_in(Credential::Guest((*key).into())).await,
            (["email", address, password], _) => self.come_in(email(address, password)).await,
            (["link", address, password], Some(who)) => {
                let request = Link::new(email(address, password));
                self.arena.engine().link(&self.context(), who, request).await?;
                Ok("linked".into())
            }
            (["join"], Some(who)) => {
                let joined = self.arena.join(who).await?;
                Ok(if joined.is_some() { "joined" } else { "waiting" }.into())
            }
            (["take", stones], Some(who)) => {
                let played = self.arena.take(who, stones.parse().unwrap_or(0)).await?;
                Ok(format!("left {}", played.stones))
            }
            (["leave"], Some(who)) => {
                self.arena.leave(who).await?;
                Ok("left".into())
            }
            (["rating"], Some(who)) => {
                let rating = self.arena.rating(who).await?;
                Ok(rating.map_or_else(|| "unrated".into(), |rating| format!("rating {rating}")))
            }
            (["delete"], Some(who)) => {
                self.arena.engine().delete_account(&self.context(), who).await?;
                self.arena.tick().await?;
                Ok("deleted".into())
            }
            _ => Ok("what?".into()),
        }
    }

    async fn come_in(&mut self, credential: Credential) -> Result<String, Error> {
        let engine = self.arena.engine();
        let player = engine.login(&self.context(), Login::new(credential)).await?;
        self.who = Some(engine.verify(player.tokens.access.reveal()).await?);
        Ok(format!("welcome {}", player.account.id))
    }

    /// What the player is told of a match; nothing of those of others.
    fn sees(&self, played: Match) -> Option<String> {
        let me = self.who.as_ref()?.account();
        played.players.contains(&me).then(|| match played.state {
            State::Turn { player, .. } if player == me => format!("your turn {}", played.stones),
            State::Turn { .. } => format!("their turn {}", played.stones),
            State::Won(winner) if winner == me => "won".into(),
            State::Won(_) => "lost".into(),
        })
    }

    fn context(&self) -> RequestContext {
        RequestContext::from_address(self.from)
    }
}

fn email(address: &str, password: &str) -> Credential {
    Credential::Email { email: address.into(), password: password.into() }
}
