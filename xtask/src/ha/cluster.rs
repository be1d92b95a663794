use std::path::Path;

use crate::failure::{Failure, Result};
use crate::kill::store::Store;
use crate::postgres::{Programs, Server};

/// A primary and a standby that confirms every commit before it is acknowledged.
pub(crate) struct Cluster {
    primary: Server,
    standby: Server,
    /// Of both servers, in an order that no failover changes.
    addresses: [String; 2],
}

impl Cluster {
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = programs.folder(directory, "postgres")?;
        let mut primary = Server::init(&programs, &folder, "one")?;
        primary.start()?;
        let standby = Server::at(&programs, &folder, "two")?;
        let addresses = [primary.address(), standby.address()];
        let mut cluster = Self { primary, standby, addresses };
        cluster.make_standby()?;
        Ok(cluster)
    }

    /// Makes the standby anew from the primary, and lets the primary wait for it with every commit.
    pub(crate) fn make_standby(&mut self) -> Result<()> {
        self.standby.follow(&self.primary)?;
        self.standby.start()?;
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.primary.ask("SELECT pg_reload_conf()")?;
        self.primary.until("has a synchronous standby", || {
            let sql = "SELECT count(*) FROM pg_stat_replication \
                       WHERE state = 'streaming' AND sync_state = 'sync'";
            Ok(self.primary.ask(sql)? == "1")
        })
    }

    /// What is acknowledged from now on is on the primary only.
    pub(crate) fn cut_standby_off(&self) -> Result<()> {
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = ''")?;
        self.primary.ask("SELECT pg_reload_conf()")?;
        self.standby.ask("ALTER SYSTEM SET primary_conninfo = ''")?;
        self.standby.ask("SELECT pg_reload_conf()")?;
        Ok(())
    }

    pub(crate) fn kill_primary(&mut self) -> Result<()> {
        self.primary.kill()
    }

    /// Makes the standby the primary. It has nobody to wait for: who had to be killed is gone.
    pub(crate) fn promote(&mut self) -> Result<()> {
        if self.standby.ask("SELECT pg_promote(true, 60)")? != "t" {
            return Err(Failure::new("the standby was not promoted in time"));
        }
        std::mem::swap(&mut self.primary, &mut self.standby);
        Ok(())
    }

    /// As the host is told of both.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://postgres@{}/postgres?target_session_attrs=read-write",
            self.addresses.join(",")
        )
    }

    /// What there is in the end.
    pub(crate) fn into_store(self) -> Store {
        Store::Postgres(self.primary)
    }
}
