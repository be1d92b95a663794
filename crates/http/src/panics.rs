use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use axum::response::Response;

/// Runs a call; a panic in it becomes an answer, and the connection lives on (security 101). The call is dropped then, so
/// nothing it left half done is looked at again. It comes pinned: by value it would be held twice, and calls are large.
pub(crate) async fn caught(
    mut call: Pin<&mut (impl Future<Output = Response> + Send)>,
    instead: fn() -> Response,
) -> Response {
    poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))).unwrap_or_else(|_| {
            // The panic may quote what the client sent, so its text stays out of the log.
            tracing::error!("a call panicked");
            Poll::Ready(instead())
        })
    })
    .await
}
