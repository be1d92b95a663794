use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

/// All that a store keeps, row by row, of each account and of nobody: what there is to observe. Left out are the
/// throttles (a try that died still was one) and the names of change sets, which only tell them apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State(BTreeMap<Vec<u8>, Vec<String>>);

/// Tables that say nothing of an account.
pub(super) const LEFT_OUT: [&str; 2] = ["throttles", "recent_commits"];

impl State {
    /// What a process finds in these files.
    pub(crate) fn read(path: &Path) -> Self {
        let connection = Connection::open(path).expect("the file opens");
        let mut tables = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .expect("the tables");
        let names: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .expect("the names of the tables");
        let mut state = Self(BTreeMap::new());
        for name in names.iter().filter(|name| !LEFT_OUT.contains(&name.as_str())) {
            state.read_table(&connection, name);
        }
        state
    }

    fn read_table(&mut self, connection: &Connection, name: &str) {
        let mut all = connection.prepare(&format!("SELECT * FROM {name}")).expect("a table");
        let columns: Vec<String> = all.column_names().map(str::to_owned).collect();
        let owner = if name == "accounts" { "id" } else { "account_id" };
        let mut rows = all.query([]).expect("its rows");
        while let Some(row) = rows.next().expect("a row") {
            let (mut whose, mut text) = (Vec::new(), format!("{name}:"));
            for (place, column) in columns.iter().enumerate() {
                let value: Value = row.get(place).expect("a value");
                if column == "commit_id" {
                    continue;
                }
                write!(text, " {column}={value:?}").expect("a string takes all");
                if let (true, Value::Blob(id)) = (column == owner, value) {
                    whose = id;
                }
            }
            self.0.entry(whose).or_default().push(text);
        }
    }

    /// Whether each account is as in the one state or as in the other.
    pub(crate) fn is_of_each(&self, before: &Self, after: &Self) -> bool {
        let all = before.0.keys().chain(after.0.keys()).chain(self.0.keys());
        all.into_iter().all(|whose| {
            let found = self.0.get(whose);
            found == before.0.get(whose) || found == after.0.get(whose)
        })
    }

    /// The rows that the two do not share, for a report.
    pub(crate) fn differs(&self, other: &Self) -> Vec<String> {
        let rows = |state: &Self| state.0.values().flatten().cloned().collect::<Vec<_>>();
        let (ours, theirs) = (rows(self), rows(other));
        let only = |of: &[String], not: &[String], mark| {
            let only = of.iter().filter(|row| !not.contains(row));
            only.map(|row| format!("{mark} {row}")).collect::<Vec<_>>()
        };
        [only(&ours, &theirs, '+'), only(&theirs, &ours, '-')].concat()
    }
}
