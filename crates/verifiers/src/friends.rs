use std::future::Future;

use crate::http::HttpFault;

const PAGES: usize = 20;
const FRIENDS: usize = 5000;

/// One page of a player's friends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by whoever reads a provider's page")]
pub struct FriendPage {
    /// Their subjects.
    pub subjects: Vec<String>,
    /// The cursor of the next page, as a value: a URL that a provider names is not followed.
    pub next: Option<String>,
}

/// Reads friends page by page: at most 20 pages and 5000 friends (providers.md P6). `page` is given the cursor of the page
/// before. `None` when a page could not be had, or a cursor comes again: that fails no login.
///
/// ```
/// # futures_executor::block_on(async {
/// use authcore_verifiers::{FriendPage, HttpFault, read_friends};
///
/// let friends = read_friends(|cursor| async move {
///     Ok::<_, HttpFault>(match cursor {
///         None => FriendPage { subjects: vec!["ann".into()], next: Some("2".into()) },
///         Some(_) => FriendPage { subjects: vec!["bob".into()], next: None },
///     })
/// });
/// assert_eq!(friends.await, Some(vec!["ann".to_owned(), "bob".to_owned()]));
/// # })
/// ```
pub async fn read_friends<F, P>(mut page: F) -> Option<Vec<String>>
where
    F: FnMut(Option<String>) -> P + Send,
    P: Future<Output = Result<FriendPage, HttpFault>> + Send,
{
    let mut friends = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES {
        let read = match page(cursor.clone()).await {
            Ok(read) => read,
            Err(fault) => {
                tracing::warn!(%fault, "friends could not be read");
                return None;
            }
        };
        friends.extend(read.subjects);
        friends.truncate(FRIENDS);
        match read.next {
            None => break,
            Some(_) if friends.len() == FRIENDS => break,
            Some(next) if cursor.as_ref() == Some(&next) => return None,
            Some(next) => cursor = Some(next),
        }
    }
    Some(friends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pages: usize, size: usize, cursor: fn(usize) -> String) -> (Option<usize>, usize) {
        let mut asked = 0;
        let friends = futures_executor::block_on(read_friends(|_| {
            asked += 1;
            let next = (asked < pages).then(|| cursor(asked));
            let subjects = vec!["x".to_owned(); size];
            async move { Ok(FriendPage { subjects, next }) }
        }));
        (friends.map(|friends| friends.len()), asked)
    }

    #[test]
    fn p6_pages_and_friends_are_bounded_and_cursors_do_not_go_round() {
        let count = |page: usize| page.to_string();
        assert_eq!(read(3, 10, count), (Some(30), 3));
        assert_eq!(read(100, 10, count), (Some(200), 20));
        assert_eq!(read(100, 2000, count), (Some(5000), 3));
        assert_eq!(read(100, 10, |_| "same".into()), (None, 2));
    }

    #[test]
    fn p6_a_page_that_cannot_be_had_is_no_friends_and_no_failure() {
        let friends = read_friends(|_| async { Err(HttpFault::Timeout) });
        assert_eq!(futures_executor::block_on(friends), None);
    }
}
