use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use async_trait::async_trait;
use futures_channel::oneshot;

use super::scheme::{Argon2Params, Memory, PasswordHash};
use crate::secret::Secret;

/// Hashes passwords somewhere that does not hold up the caller's runtime.
#[async_trait]
pub trait PasswordHasher: fmt::Debug + Send + Sync + 'static {
    /// Whether a call now would find no room to wait. A hint: it spares a player the cost of a try that would not be
    /// made.
    fn is_busy(&self) -> bool;

    /// Whether a hash of these parameters can be checked within the memory that one may take.
    fn can_check(&self, hash: &PasswordHash) -> bool;

    /// Hashes a new password.
    ///
    /// # Errors
    ///
    /// [`HashFault::Busy`] when too many wait already; try again later.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the work may still be done, for nothing.
    async fn hash(&self, password: Secret, salt: [u8; 16]) -> Result<PasswordHash, HashFault>;

    /// Checks a password. Without a hash (no such account, or no password) it does the same work against a hash that
    /// nothing matches, so that the time does not tell (security 26, 27).
    ///
    /// # Errors
    ///
    /// [`HashFault::Busy`] when too many wait already; try again later.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the work may still be done, for nothing.
    async fn verify(
        &self,
        password: Secret,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashFault>;
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever checks a password must mind every answer")]
pub enum Verdict {
    /// It is another password.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and its hash should be made anew with the present parameters.
    RightButOutdated,
}

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashFault {
    /// Too many wait already.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// Hashing failed.
    #[error("hashing a password failed")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

/// How a [`ThreadedHasher`] works.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "changed with struct update syntax")]
pub struct HasherConfig {
    /// The parameters of new hashes.
    pub params: Argon2Params,
    /// How many hash at once; by default half of the machine's cores, at least one.
    pub threads: usize,
    /// How many may wait, at least one; the surplus is told to try again later.
    pub queue: usize,
    /// How much memory hashing may take, in bytes, in equal shares for the threads. There are never more threads than
    /// fit; a kept hash that needs more than its share cannot be checked.
    pub memory_bytes: u64,
    /// Called once on each thread, for a host that wants to lower their priority.
    pub on_thread_start: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Default for HasherConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            params: Argon2Params::STANDARD,
            threads: (cores / 2).max(1),
            queue: 64,
            memory_bytes: 256 * 1024 * 1024,
            on_thread_start: None,
        }
    }
}

impl fmt::Debug for HasherConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HasherConfig")
            .field("params", &self.params)
            .field("threads", &self.threads)
            .field("queue", &self.queue)
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}

enum Job {
    Hash(Secret, [u8; 16], oneshot::Sender<Result<PasswordHash, HashFault>>),
    Verify(Secret, PasswordHash, oneshot::Sender<Verdict>),
}

/// The default hasher: its own threads, a bounded queue, and a cap on memory (security 12).
///
/// The threads end when the hasher is dropped.
pub struct ThreadedHasher {
    jobs: mpsc::SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    nobody: PasswordHash,
    memory_bytes: u64,
}

impl ThreadedHasher {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`HashFault::Failed`] when a thread cannot be started, or `memory_bytes` has no room for one hash.
    pub fn start(config: &HasherConfig) -> Result<Self, HashFault> {
        let each = config.params.memory_bytes();
        let fit = usize::try_from(config.memory_bytes / each).unwrap_or(usize::MAX);
        if fit == 0 {
            return Err(HashFault::Failed("memory_bytes has no room for one hash".into()));
        }
        let nobody =
            config.params.hash_of_nobody().map_err(|error| HashFault::Failed(error.into()))?;
        let threads = config.threads.clamp(1, fit);
        let queue = config.queue.max(1);
        let (jobs, taken) = mpsc::sync_channel(queue);
        let taken = Arc::new(Mutex::new(taken));
        let waiting = Arc::new(AtomicUsize::new(0));
        for _ in 0..threads {
            let (taken, waiting) = (Arc::clone(&taken), Arc::clone(&waiting));
            let config = config.clone();
            thread::Builder::new()
                .name("authcore-hash".into())
                .spawn(move || work(&taken, &waiting, &config))
                .map_err(|error| HashFault::Failed(error.into()))?;
        }
        let memory_bytes = config.memory_bytes / u64::try_from(threads).unwrap_or(1);
        Ok(Self { jobs, waiting, queue, nobody, memory_bytes })
    }

    fn submit(&self, job: Job) -> Result<(), HashFault> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.try_send(job).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                mpsc::TrySendError::Full(_) => HashFault::Busy,
                mpsc::TrySendError::Disconnected(_) => gone(),
            }
        })
    }
}

fn gone() -> HashFault {
    HashFault::Failed("the hashing threads are gone".into())
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>, waiting: &AtomicUsize, config: &HasherConfig) {
    if let Some(on_start) = &config.on_thread_start {
        on_start();
    }
    let mut memory = Memory::default();
    loop {
        // The lock is held while waiting, by one idle thread at a time.
        let next = match jobs.lock() {
            Ok(receiver) => receiver.recv(),
            Err(_) => return,
        };
        waiting.fetch_sub(1, Ordering::Relaxed);
        // Nobody may be waiting for the answer any more; that is no fault.
        match next {
            Ok(Job::Hash(password, salt, answer)) if !answer.is_canceled() => {
                let _ = answer.send(config.params.hash(&password, &salt, &mut memory));
            }
            Ok(Job::Verify(password, hash, answer)) if !answer.is_canceled() => {
                let _ = answer.send(hash.verify(&password, config.params, &mut memory));
                memory.shrink_to(config.params);
            }
            Ok(_) => {}
            Err(mpsc::RecvError) => return,
        }
    }
}

#[async_trait]
impl PasswordHasher for ThreadedHasher {
    fn can_check(&self, hash: &PasswordHash) -> bool {
        hash.memory_bytes() <= self.memory_bytes
    }

    fn is_busy(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.queue
    }

    async fn hash(&self, password: Secret, salt: [u8; 16]) -> Result<PasswordHash, HashFault> {
        let (sender, answer) = oneshot::channel();
        self.submit(Job::Hash(password, salt, sender))?;
        answer.await.map_err(|_| gone())?
    }

    async fn verify(
        &self,
        password: Secret,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashFault> {
        let nobody = hash.is_none();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        if !self.can_check(&hash) {
            // To call the password wrong would be a lie, and the cap is a promise.
            return Err(HashFault::Failed("the hash needs more memory than one may take".into()));
        }
        let (sender, answer) = oneshot::channel();
        self.submit(Job::Verify(password, hash, sender))?;
        let verdict = answer.await.map_err(|_| gone())?;
        Ok(if nobody { Verdict::Wrong } else { verdict })
    }
}

impl fmt::Debug for ThreadedHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadedHasher")
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;

    #[test]
    fn nobody_has_no_password() {
        let hasher = ThreadedHasher::start(&HasherConfig::default()).unwrap();
        assert_eq!(block_on(hasher.verify(Secret::new(""), None)).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn the_surplus_is_told_to_come_back() {
        let config = HasherConfig { threads: 1, queue: 2, ..HasherConfig::default() };
        let hasher = ThreadedHasher::start(&config).unwrap();
        let mut waiting: Vec<_> =
            (0..20).map(|_| Box::pin(hasher.hash(Secret::new("correct horse"), [1; 16]))).collect();
        // Poll each once: what fits is taken in, the rest is refused at once.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut busy = 0;
        let mut pending = Vec::new();
        for mut call in waiting.drain(..) {
            match call.as_mut().poll(&mut context) {
                std::task::Poll::Ready(Err(HashFault::Busy)) => busy += 1,
                std::task::Poll::Ready(_) => {}
                std::task::Poll::Pending => pending.push(call),
            }
        }
        assert!(busy >= 16, "{busy} of 20 refused");
        for call in pending {
            assert!(block_on(call).is_ok());
        }
    }

    #[test]
    fn a_hash_beyond_its_share_is_a_fault_and_never_a_wrong_password() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::parse(hash).unwrap();
        let config = HasherConfig { threads: 1, memory_bytes: 60 << 20, ..HasherConfig::default() };
        let hasher = ThreadedHasher::start(&config).unwrap();
        assert!(!hasher.can_check(&hash));
        let verdict = block_on(hasher.verify(Secret::new("password"), Some(hash)));
        assert!(matches!(verdict, Err(HashFault::Failed(_))));
    }

    #[test]
    fn memory_caps_the_threads() {
        let config = HasherConfig { memory_bytes: 1024, ..HasherConfig::default() };
        assert!(ThreadedHasher::start(&config).is_err());
    }
}
