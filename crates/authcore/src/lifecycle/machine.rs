use std::fmt;

/// A machine, as data: what may follow what. The code asks it before it changes a state, and the documentation's
/// diagrams are drawn from it. What a step depends on besides (a date, a count, a policy) is decided before, and is part
/// of the event's name.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a table")]
pub struct Machine<S: 'static, E: 'static> {
    /// What it is called.
    pub name: &'static str,
    /// Where it begins.
    pub start: S,
    /// All that may happen. What is not here may not.
    pub steps: &'static [Step<S, E>],
}

/// One row of a [`Machine`].
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct Step<S, E> {
    /// The state that it begins in.
    pub from: S,
    /// What happens.
    pub on: E,
    /// The state that it ends in.
    pub to: S,
}

impl<S, E> Step<S, E> {
    /// A row.
    #[must_use]
    pub const fn new(from: S, on: E, to: S) -> Self
    where
        S: Copy,
        E: Copy,
    {
        Self { from, on, to }
    }
}

/// A machine has no such step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{machine}: {from:?} does not take {on:?}")]
pub struct NoSuchStep<S: fmt::Debug, E: fmt::Debug> {
    /// The machine's name.
    pub machine: &'static str,
    /// The state that it was in.
    pub from: S,
    /// What was to happen.
    pub on: E,
}

impl<S: Copy + PartialEq + fmt::Debug, E: Copy + PartialEq + fmt::Debug> Machine<S, E> {
    /// The state that follows.
    ///
    /// # Errors
    ///
    /// [`NoSuchStep`] says which machine, from where, and what was to happen.
    pub fn next(&self, from: S, on: E) -> Result<S, NoSuchStep<S, E>> {
        self.steps
            .iter()
            .find(|step| step.from == from && step.on == on)
            .map(|step| step.to)
            .ok_or(NoSuchStep { machine: self.name, from, on })
    }

    /// The machine as a Mermaid state diagram.
    #[must_use]
    pub fn diagram(&self) -> String {
        use fmt::Write as _;

        let mut text = format!("stateDiagram-v2\n    [*] --> {:?}\n", self.start);
        for Step { from, on, to } in self.steps {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {from:?} --> {to:?}: {on:?}");
        }
        text
    }
}
