//! The names of the store's tables, which get a prefix in a file that others have tables in.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::OpenError;
use crate::open::Trouble;

/// A database of something else that has one of these cannot be shared without a prefix.
pub(crate) const TABLES: &[&str] = &[
    "migrations",
    "store",
    "accounts",
    "identities",
    "account_activity",
    "events",
    "codes",
    "single_use",
    "throttles",
    "recent_commits",
];

const INDEXES: &[&str] = &[
    "accounts_username_key",
    "accounts_transfer_key",
    "accounts_due_at",
    "identities_key",
    "codes_account",
    "codes_expires_at",
    "single_use_forget_at",
    "throttles_used_up_until",
];

const LONGEST: usize = 32;

/// What stands before each of the names; usually nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefix(Box<str>);

impl Prefix {
    /// Only what needs no quotes, whatever its case.
    pub(crate) fn new(prefix: &str) -> Result<Self, OpenError> {
        let letters = prefix
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let begins = !prefix.starts_with(|first: char| first.is_ascii_digit());
        // SQLite keeps these to itself.
        let free = !prefix.starts_with("sqlite_");
        if letters && begins && free && prefix.len() <= LONGEST {
            Ok(Self(prefix.into()))
        } else {
            Err(OpenError::TablePrefix { prefix: prefix.to_owned() })
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A name of ours as the file has it.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }

    /// A statement of ours, with the names that the file has. No column is called like a table, so that every word that is a
    /// table's name is one.
    pub(crate) fn render<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(sql);
        }
        let mut rendered = String::with_capacity(sql.len() + 4 * self.0.len());
        let mut rest = sql;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(token_length(rest));
            if TABLES.contains(&part) || INDEXES.contains(&part) {
                rendered.push_str(&self.0);
            }
            rendered.push_str(part);
            rest = behind;
        }
        Cow::Owned(rendered)
    }
}

/// The length of the word, the text in quotes, the comment or the other things that a statement begins with.
fn token_length(sql: &str) -> usize {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = if sql.starts_with(in_word) {
        sql.find(|c| !in_word(c))
    } else if sql.starts_with('\'') {
        sql.match_indices('\'').nth(1).map(|(quote, _)| quote + 1)
    } else if sql.starts_with("--") {
        sql.find('\n')
    } else {
        let first = sql.chars().next().map_or(0, char::len_utf8);
        sql.get(first..)
            .and_then(|rest| rest.find(|c| in_word(c) || c == '\'' || c == '-'))
            .map(|at| at + first)
    };
    end.unwrap_or(sql.len())
}

/// The statements of a connection to a file in which the tables have a prefix, each rendered once.
pub(crate) struct Rendered {
    prefix: Prefix,
    texts: RefCell<HashMap<Box<str>, Arc<str>>>,
}

impl Rendered {
    /// Nothing when there is nothing to render: the usual statements go to SQLite as they are.
    pub(crate) fn of(prefix: Prefix) -> Option<Self> {
        (!prefix.is_empty()).then(|| Self { prefix, texts: RefCell::default() })
    }

    pub(crate) fn text(&self, sql: &str) -> Arc<str> {
        let mut texts = self.texts.borrow_mut();
        if let Some(text) = texts.get(sql) {
            return Arc::clone(text);
        }
        let text: Arc<str> = self.prefix.render(sql).into();
        texts.insert(sql.into(), Arc::clone(&text));
        text
    }
}

/// Refuses a database that has tables of our names but no migrations of ours.
pub(crate) fn check_free(
    connection: &Connection,
    prefix: &Prefix,
    place: &Path,
) -> Result<(), Trouble> {
    let columns: u32 = connection.query_row(
        "SELECT count(*) FROM pragma_table_info(?1)
         WHERE name IN ('version', 'name', 'checksum', 'min_compatible')",
        [prefix.name("migrations")],
        |row| row.get(0),
    )?;
    if columns == 4 {
        return Ok(());
    }
    let mut statement =
        connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE")?;
    for name in TABLES.iter().chain(INDEXES) {
        let name = prefix.name(name);
        if statement.exists([&name])? {
            return Err(Trouble::Open(OpenError::NotOurs { path: place.to_owned(), table: name }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SqliteConfig;
    use crate::open;

    #[test]
    fn a_prefix_needs_no_quotes() {
        for good in ["", "a", "_", "game_", "g1_", "sqlite", &"a".repeat(LONGEST)] {
            Prefix::new(good).unwrap();
        }
        let long = "a".repeat(LONGEST + 1);
        for bad in
            ["1a", "A_", "a-", "a.", "a b", "\"", "'", "\u{e4}", "sqlite_", "a\0", ";", &long]
        {
            let Err(error) = Prefix::new(bad) else { panic!("{bad} is taken") };
            assert!(matches!(&error, OpenError::TablePrefix { prefix } if prefix == bad));
        }
    }

    #[test]
    fn names_are_rendered_and_nothing_else() {
        let prefix = Prefix::new("g_").unwrap();
        let sql = "SELECT e.id, 'events', ev.events2 FROM events e, codes WHERE codes.key='x''codes';events - 1 -- it's codes\n;codes";
        let rendered = "SELECT e.id, 'events', ev.events2 FROM g_events e, g_codes WHERE g_codes.key='x''codes';g_events - 1 -- it's codes\n;g_codes";
        assert_eq!(prefix.render(sql), rendered);
    }

    /// What rendering rests on.
    #[test]
    fn every_table_and_index_is_listed_and_no_column_is_called_like_one() {
        let connection = open::first(&SqliteConfig::in_memory()).unwrap();
        let names = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let listed = |list: &[&str]| {
            let mut list: Vec<_> = list.iter().map(|name| (*name).to_owned()).collect();
            list.sort();
            list
        };
        let schema = |kind| {
            names(&format!(
                "SELECT name FROM sqlite_schema WHERE type = '{kind}' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY name"
            ))
        };
        assert_eq!(schema("table"), listed(TABLES));
        assert_eq!(schema("index"), listed(INDEXES));
        let columns = names(
            "SELECT c.name FROM sqlite_schema s, pragma_table_xinfo(s.name) c WHERE s.type = 'table'",
        );
        assert!(columns.len() > 50);
        for column in columns {
            assert!(!TABLES.contains(&&*column) && !INDEXES.contains(&&*column), "{column}");
        }
    }
}
