//! What the engine refused, taken out of its answers.

use std::path::Path;

use authcore::{Error, Refusal};

/// The refusal that the engine answered with. Where `AUTHCORE_REFUSALS` names a directory, its code is noted there, for
/// whoever counts that each refusal has a test that makes the engine answer it (`cargo xtask test`).
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    let refusal = match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    };
    if let Some(directory) = std::env::var_os("AUTHCORE_REFUSALS") {
        std::fs::write(Path::new(&directory).join(refusal.code()), "").unwrap();
    }
    refusal
}
