#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::fixture::Fixture;
use crate::trial::Trial;

/// A store that answers nothing for so long hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// One thing that a store must do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The suite that it belongs to.
    pub suite: &'static str,
    /// Its name within the suite.
    pub name: &'static str,
    /// What it shows, in one sentence.
    pub about: &'static str,
    /// What it needs.
    pub needs: Need,
    run: Run,
}

type Run = for<'a> fn(&'a mut Trial) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What a case needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Nothing: every store must pass it.
    Nothing,
    /// A store that is [durable](authcore::store::Capabilities::durable), and a fixture that can open it again.
    Durable,
    /// A durable store, and a fixture that can open what each [schema](Fixture::with_schemas) there was left behind.
    Schemas,
}

/// How a case ended, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The store does what the case asks.
    Passed,
    /// The store does not promise what the case asks.
    NotApplicable,
    /// The store promises it, but its fixture cannot show it.
    Skipped,
}

impl Case {
    /// Runs the case on a fresh store, on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// When the store does not do what the case asks; also when the case is skipped while `CONFORMANCE_STRICT=1`.
    pub async fn run(&self, fixture: Fixture) -> Outcome {
        let Self { suite, name, .. } = self;
        let lacks = match self.needs {
            Need::Durable if fixture.reopen.is_none() => Some("with_reopen"),
            Need::Schemas if fixture.schemas.is_none() => Some("with_schemas"),
            Need::Nothing | Need::Durable | Need::Schemas => None,
        };
        if self.needs != Need::Nothing && !fixture.store.capabilities().durable {
            println!("not applicable: {suite}::{name} is about durable stores");
            return Outcome::NotApplicable;
        }
        if let Some(lacks) = lacks {
            println!("skipped: {suite}::{name} needs a fixture with `{lacks}`");
            let strict = std::env::var_os("CONFORMANCE_STRICT").is_some_and(|value| value == "1");
            assert!(!strict, "{suite}::{name} was skipped while CONFORMANCE_STRICT=1");
            return Outcome::Skipped;
        }
        let mut trial = Trial::new(fixture);
        let whole = async {
            (self.run)(&mut trial).await;
            trial.audit().await;
        };
        let ended = tokio::time::timeout(PATIENCE, whole).await;
        assert!(ended.is_ok(), "{suite}::{name} hangs");
        Outcome::Passed
    }
}

macro_rules! list_cases {
    (() $($suite:ident { $($need:ident $name:ident $about:literal;)* })*) => {
        vec![$($(
            Case {
                suite: stringify!($suite),
                name: stringify!($name),
                about: $about,
                needs: Need::$need,
                run: |trial| Box::pin(crate::suites::$suite::$name(trial)),
            },
        )*)*]
    };
}

/// Every case, in the order of their suites.
#[must_use]
pub fn cases() -> Vec<Case> {
    crate::__cases! { [list_cases] () }
}

/// Every case as a Markdown table, for the documentation.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| suite | case | shows | needs |\n| --- | --- | --- | --- |\n");
    for Case { suite, name, about, needs, .. } in cases() {
        let needs = match needs {
            Need::Nothing => "",
            Need::Durable => "a durable store",
            Need::Schemas => "a durable store of each schema there was",
        };
        writeln!(table, "| {suite} | `{name}` | {about} | {needs} |").expect("a string takes all");
    }
    table
}
