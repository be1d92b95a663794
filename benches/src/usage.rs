//! What processes and threads take, as Linux tells it.

use std::fs;
use std::ops::{AddAssign, Sub};
use std::path::Path;

use crate::Outcome;

/// CPU time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "two figures")]
pub struct Usage {
    /// In programs.
    pub user: f64,
    /// In the system on behalf of them.
    pub system: f64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn total(self) -> f64 {
        self.user + self.system
    }
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

/// What the threads of a process (its id, or `self`) have taken so far, those with the names that are wanted. A thread
/// that ends takes its time with it, so none should end in between.
///
/// # Errors
///
/// When there is no such process.
pub fn threads(process: &str, wanted: impl Fn(&str) -> bool) -> Outcome<Usage> {
    let mut usage = Usage::default();
    for entry in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
        // One may have ended since.
        if let Ok((name, taken)) = thread(&entry.path())
            && wanted(&name)
        {
            usage += taken;
        }
    }
    Ok(usage)
}

/// What a process has taken so far, with those that it started, running or ended.
///
/// # Errors
///
/// When there is no such process.
pub fn family(process: u32) -> Outcome<Usage> {
    let (_, mut usage) = stat(format!("/proc/{process}/stat"), [13, 14])?;
    for process in members(process)? {
        usage += threads(&process, |_| true).unwrap_or_default();
    }
    Ok(usage)
}

/// The memory that a process and those that it started have in use now, in bytes; what they share is counted once.
///
/// # Errors
///
/// When there is no such process.
pub fn family_memory(process: u32) -> Outcome<u64> {
    let memory = |process| bytes(format!("/proc/{process}/smaps_rollup"), "Pss:");
    Ok(members(process)?.into_iter().map(|process| memory(process).unwrap_or_default()).sum())
}

/// The memory of this process that is in use now, in bytes.
///
/// # Errors
///
/// Where the system does not tell.
pub fn resident() -> Outcome<u64> {
    bytes("/proc/self/status", "VmRSS:")
}

/// The most memory that this process had in use since [`forget_peak`], in bytes.
///
/// # Errors
///
/// Where the system does not tell.
pub fn peak_resident() -> Outcome<u64> {
    bytes("/proc/self/status", "VmHWM:")
}

/// Forgets how much memory this process had in use at most before.
///
/// # Errors
///
/// Where the system does not let it.
pub fn forget_peak() -> Outcome<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// A process and those that it started.
fn members(process: u32) -> Outcome<Vec<String>> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    let children = children.split_whitespace().map(str::to_owned);
    Ok(children.chain([process.to_string()]).collect())
}

/// A thread's name, and what it has taken. Linux tells the sum in nanoseconds, and its parts in ticks.
fn thread(path: &Path) -> Outcome<(String, Usage)> {
    let schedstat = fs::read_to_string(path.join("schedstat"))?;
    let nanos: f64 = schedstat.split(' ').next().unwrap_or_default().parse()?;
    let (name, Usage { system, .. }) = stat(path.join("stat"), [11, 12])?;
    Ok((name, Usage { user: nanos / 1e9 - system, system }))
}

/// The name in a `stat` file, and user and system time from two of its fields, counted after the name.
fn stat(path: impl AsRef<Path>, [user, system]: [usize; 2]) -> Outcome<(String, Usage)> {
    /// The unit in which Linux tells CPU times to programs, whatever its own.
    const TICKS_A_SECOND: f64 = 100.0;
    let line = fs::read_to_string(path)?;
    // The name may hold anything.
    let (start, fields) = line.rsplit_once(')').ok_or("no name")?;
    let name = start.split_once('(').ok_or("no name")?.1.to_owned();
    let field = |number| -> Outcome<f64> {
        let ticks: f64 = fields.split_whitespace().nth(number).ok_or("too short")?.parse()?;
        Ok(ticks / TICKS_A_SECOND)
    };
    Ok((name, Usage { user: field(user)?, system: field(system)? }))
}

/// A line of a file, told in kibibytes.
fn bytes(path: impl AsRef<Path>, name: &str) -> Outcome<u64> {
    let file = fs::read_to_string(path)?;
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    Ok(line.ok_or("no such line")?.parse::<u64>()? * 1024)
}
