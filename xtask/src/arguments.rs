//! The command line. A few flags do not need a parser of their own.

use std::env;
use std::ffi::OsString;
use std::str::FromStr;

use crate::failure::{Failure, Result};

pub(crate) struct Arguments {
    rest: Vec<String>,
}

impl Arguments {
    pub(crate) fn from_env() -> Result<Self> {
        let rest = env::args_os()
            .skip(1)
            .map(OsString::into_string)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| Failure::new("the command line is not UTF-8"))?;
        Ok(Self { rest })
    }

    /// Takes the first word.
    pub(crate) fn command(&mut self) -> Option<String> {
        (!self.rest.is_empty()).then(|| self.rest.remove(0))
    }

    /// Takes a flag that stands alone.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|argument| argument != name);
        self.rest.len() != before
    }

    /// Takes a flag and the value behind it.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(at) = self.rest.iter().position(|argument| argument == name) else {
            return Ok(None);
        };
        self.rest.remove(at);
        if at == self.rest.len() {
            return Err(Failure::new(format!("{name} needs a value")));
        }
        let value = self.rest.remove(at);
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Failure::new(format!("{name} does not take `{value}`"))),
        }
    }

    /// Refuses what nobody took: a misspelt flag must not silently change what a run proves.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest.first() {
            None => Ok(()),
            Some(unknown) => {
                Err(Failure::new(format!("unknown argument `{unknown}`; see `cargo xtask --help`")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments { rest: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn takes_flags_in_any_order() {
        let mut given = arguments(&["kill", "--release", "--kills", "3"]);
        assert_eq!(given.command().as_deref(), Some("kill"));
        assert_eq!(given.value::<u32>("--kills").unwrap(), Some(3));
        assert!(given.flag("--release"));
        given.finish().unwrap();
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        assert!(arguments(&["--kils", "3"]).finish().is_err());
        assert!(arguments(&["--kills"]).value::<u32>("--kills").is_err());
        assert!(arguments(&["--kills", "many"]).value::<u32>("--kills").is_err());
    }
}
