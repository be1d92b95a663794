//! What an account takes in the memory store: the growth of the process's resident memory, the allocator's overhead
//! included, while the store is filled.

use std::process::Command;
use std::sync::Arc;

use authcore::event::EventCursor;
use authcore::store::Store;
use authcore_benches::engine::{device, newcomers, open};
use authcore_benches::usage::resident;
use authcore_benches::{Outcome, Target};
use authcore_store_memory::MemoryStore;
use clap::Parser;
use tokio::runtime::Builder;

/// Prints the bytes that a plain account takes: a username, one device, and its activity.
#[derive(Parser)]
struct Options {
    /// How many accounts.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    accounts: u64,
    /// How often each logs in; without it, a table of 0, 1 and 2 is printed.
    #[arg(long)]
    logins: Option<u64>,
}

fn main() -> Outcome<()> {
    let Options { accounts, logins } = Options::parse();
    if let Some(logins) = logins {
        println!("| {accounts} | {logins} | {} |", measure(accounts, logins)?);
        return Ok(());
    }
    println!("| accounts | logins each | bytes an account |\n| --- | --- | --- |");
    for logins in ["0", "1", "2"] {
        // A process of its own: an allocator does not give everything back.
        let accounts = accounts.to_string();
        let arguments = ["--accounts", &accounts, "--logins", logins];
        if !Command::new(std::env::current_exe()?).args(arguments).status()?.success() {
            return Err("the measuring process failed".into());
        }
    }
    Ok(())
}

fn measure(accounts: u64, logins: u64) -> Outcome<u64> {
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let engine = open(Arc::clone(&store)).await?;
        let before = resident()?;
        // The outbox is read and pruned all the time.
        let all = EventCursor::new(u64::MAX);
        if logins == 0 {
            for start in (0..accounts).step_by(1024) {
                store.commit(&newcomers(start..accounts.min(start + 1024))?).await?;
                store.prune_events(all).await?;
            }
        }
        for _ in 0..logins {
            for number in 0..accounts {
                Target::login(&engine, device(number)).await?;
                if number % 1024 == 0 {
                    store.prune_events(all).await?;
                }
            }
        }
        Ok((resident()? - before) / accounts)
    })
}
