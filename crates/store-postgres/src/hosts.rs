//! Connecting to whichever of several hosts takes writes.

use std::pin::Pin;

use deadpool_postgres::Connect;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Asks all hosts at once, so that one that is gone or says nothing holds nobody up.
pub(crate) struct Hosts {
    /// Each alone.
    pub(crate) each: Vec<Config>,
    pub(crate) tls: MakeRustlsConnect,
}

type Connected = Result<(Client, JoinHandle<()>), Error>;

impl Connect for Hosts {
    fn connect(&self, all: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        let all = all.clone();
        Box::pin(async move {
            let mut asked = JoinSet::new();
            for host in &self.each {
                asked.spawn(connect(host.clone(), self.tls.clone()));
            }
            let mut refused = None;
            while let Some(answer) = asked.join_next().await {
                match answer {
                    Ok(Ok(connected)) => return Ok(connected),
                    Ok(Err(error)) => refused = Some(error),
                    Err(_) => {}
                }
            }
            match refused {
                Some(error) => Err(error),
                // The driver says that there is no host.
                None => connect(all, self.tls.clone()).await,
            }
        })
    }
}

async fn connect(config: Config, tls: MakeRustlsConnect) -> Connected {
    let (client, connection) = config.connect(tls).await?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "postgres.connection_lost");
        }
    });
    Ok((client, driver))
}
