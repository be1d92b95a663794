use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::clock::{Moment, wait};
use crate::failure::{Failure, Result};
use crate::process::run;

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(15);

/// A running host. Only ever the one that was started here is ended, through its handle.
pub(crate) struct Host {
    child: Child,
    address: String,
}

impl Host {
    /// Starts the host on a store, with the configuration of this directory, and waits until it listens.
    pub(crate) fn start(program: &Path, directory: &Path, store: &str) -> Result<Self> {
        let mut host = Self::spawn(program, directory, store)?;
        let (tell, told) = mpsc::channel();
        let stdout = host.child.stdout.take();
        thread::spawn(move || {
            // Reads on to the end, so that the host never waits for somebody to take its words.
            for line in stdout.into_iter().flat_map(|out| BufReader::new(out).lines()) {
                let Ok(line) = line else { break };
                let address = line.strip_prefix("listening on ").map(str::to_owned);
                if let Some(address) = address {
                    // The receiver is gone when the start was given up.
                    let _ = tell.send(address);
                }
            }
        });
        host.address = told
            .recv_timeout(START)
            .map_err(|_| Failure::new("the host did not say where it listens"))?;
        Ok(host)
    }

    /// Starts the host and kills it while it gets ready: it may be about to take up what the last kill left.
    pub(crate) fn start_in_vain(
        program: &Path,
        directory: &Path,
        store: &str,
        after: Duration,
    ) -> Result<()> {
        let mut host = Self::spawn(program, directory, store)?;
        wait(after);
        host.child.kill()?;
        host.child.wait()?;
        Ok(())
    }

    fn spawn(program: &Path, directory: &Path, store: &str) -> Result<Self> {
        let log = File::options().create(true).append(true).open(directory.join("host.log"))?;
        let mut command = Command::new(program);
        // What somebody's shell sets for a host of theirs is not for this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AUTHCORE_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--dev", "--config"])
            .arg(directory.join("host.toml"))
            .args(["--store", store])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        Ok(Self { child, address: String::new() })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// SIGKILL, in the middle of whatever it does. The flag goes up first: from then on an error means the kill.
    pub(crate) fn kill(mut self, flag: &AtomicBool) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            flag.store(true, Ordering::SeqCst);
            return Err(Failure::new(format!("the host ended by itself ({status})")));
        }
        flag.store(true, Ordering::SeqCst);
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop, which it has to do in good time and with success.
    pub(crate) fn stop(mut self) -> Result<()> {
        let mut command = Command::new("kill");
        command.args(["-TERM", &self.child.id().to_string()]);
        run(command)?;
        let asked = Moment::now();
        while asked.elapsed() < STOP {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(Failure::new(format!("the host stopped with {status}")));
                }
                None => wait(Duration::from_millis(20)),
            }
        }
        Err(Failure::new("the host did not stop when asked"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // An error here means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
