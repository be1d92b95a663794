//! Where the host keeps the players, which is killed and looked at without the host.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::failure::{Failure, Result};
use crate::postgres::{Programs, Server};

pub(crate) enum Store {
    Sqlite(PathBuf),
    Postgres(Server),
}

impl Store {
    /// A file in this directory.
    pub(crate) fn sqlite(directory: &Path) -> Self {
        Self::Sqlite(directory.join("host.db"))
    }

    /// A server whose files are in this directory, which runs.
    pub(crate) fn postgres(directory: &Path) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = programs.folder(directory, "postgres")?;
        let mut server = Server::init(&programs, &folder, "server")?;
        server.start()?;
        Ok(Self::Postgres(server))
    }

    /// As the host is told of it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(server) => format!("postgres://postgres@{}/postgres", server.address()),
        }
    }

    /// Looks at what the last kill left: the next start is to find it untouched.
    pub(crate) fn check_as_left(&self) -> Result<Vec<String>> {
        let Self::Sqlite(file) = self else {
            // The server has worked off its log; what it holds is looked at in the end.
            return Ok(Vec::new());
        };
        let copy = file.with_extension("as-left");
        // Not the shared memory index: it is rebuilt from the log, as after a loss of power.
        for suffix in ["", "-wal"] {
            let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            if with(file).exists() {
                fs::copy(with(file), with(&copy))?;
            }
        }
        integrity(&copy, "as left")
    }

    /// Looks for damage in what a host has left that stopped.
    pub(crate) fn check_stopped(&self) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(file) => integrity(file, "stopped"),
            Self::Postgres(server) => Ok(server.damage()),
        }
    }

    /// An id's digits, as text.
    pub(crate) fn digits(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("lower(hex({column}))"),
            Self::Postgres(_) => format!("replace({column}::text, '-', '')"),
        }
    }

    /// The rows that a query finds; a missing value is the empty text.
    pub(crate) fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        match self {
            Self::Sqlite(file) => sqlite_rows(file, sql),
            Self::Postgres(server) => {
                let rows = server.ask(sql)?;
                Ok(rows.lines().map(|row| row.split('|').map(str::to_owned).collect()).collect())
            }
        }
    }
}

fn sqlite_rows(file: &Path, sql: &str) -> Result<Vec<Vec<String>>> {
    let connection = Connection::open(file)?;
    let mut query = connection.prepare(sql)?;
    let width = query.column_count();
    let mut found = Vec::new();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| match row.get_ref(column)? {
            ValueRef::Null => Ok(String::new()),
            ValueRef::Integer(number) => Ok(number.to_string()),
            ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            _ => Err(Failure::new(format!("`{sql}` finds what is no text"))),
        };
        found.push((0..width).map(text).collect::<Result<_>>()?);
    }
    Ok(found)
}

fn integrity(file: &Path, when: &str) -> Result<Vec<String>> {
    let lines = sqlite_rows(file, "PRAGMA integrity_check")?;
    let damage = lines.into_iter().flatten().filter(|line| line != "ok");
    Ok(damage.map(|line| format!("{when}: {line}")).collect())
}
