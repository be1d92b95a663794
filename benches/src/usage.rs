//! What processes and threads take, as Linux tells it.

use std::fs;
use std::ops::{AddAssign, Sub};
use std::path::Path;

use crate::Outcome;

/// The unit in which Linux tells CPU times to programs, whatever its own.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "two figures")]
pub struct Usage {
    /// In programs.
    pub user: f64,
    /// In the system on behalf of them.
    pub system: f64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.user += other.user;
        self.system += other.system;
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { user: self.user - before.user, system: self.system - before.system }
    }
}

/// What this process has taken so far: the threads whose names do not begin with `prefix`, and those whose names do.
///
/// # Errors
///
/// Where the system does not tell.
pub fn threads(prefix: &str) -> Outcome<(Usage, Usage)> {
    let (mut others, mut named) = (Usage::default(), Usage::default());
    for thread in fs::read_dir("/proc/self/task")?.flatten() {
        let path = thread.path();
        let name = fs::read_to_string(path.join("comm"))?;
        let usage = stat(&path.join("stat"), [11, 12])?;
        if name.starts_with(prefix) { named += usage } else { others += usage }
    }
    Ok((others, named))
}

/// What a process has taken so far, with its children that have ended.
pub(crate) fn process(pid: u32) -> Outcome<Usage> {
    let path = format!("/proc/{pid}/stat");
    let mut usage = stat(Path::new(&path), [11, 12])?;
    usage += stat(Path::new(&path), [13, 14])?;
    Ok(usage)
}

/// The memory that a process has in use, in bytes; of what it shares with others, its part.
pub(crate) fn memory(pid: u32) -> Outcome<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line =
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB"));
    Ok(line.ok_or("no such line")?.parse::<u64>()? * 1024)
}

/// The processes that a process has started.
pub(crate) fn children(pid: u32) -> Outcome<Vec<u32>> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(list.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

/// User and system time from two fields of a `stat` file, counted after the name, which may hold anything.
fn stat(path: &Path, [user, system]: [usize; 2]) -> Outcome<Usage> {
    let line = fs::read_to_string(path)?;
    let fields = line.rsplit_once(')').ok_or("no name")?.1;
    let field = |number: usize| -> Outcome<f64> {
        Ok(fields.split_whitespace().nth(number).ok_or("too short")?.parse::<f64>()?
            / TICKS_A_SECOND)
    };
    Ok(Usage { user: field(user)?, system: field(system)? })
}

/// Forgets how much memory this process had in use at most before.
///
/// # Errors
///
/// Where the system does not let it.
pub fn forget_peak() -> Outcome<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}
