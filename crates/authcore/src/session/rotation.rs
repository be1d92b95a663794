use chrono::{DateTime, Utc};

use super::Session;
use crate::policy::Policy;

/// What a refresh token is good for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It is the current one: the session moves on to this.
    Next(Box<Session>),
    /// It is the current one, and younger than the grace window: it stays, with a new access token.
    Keep,
    /// It is the previous one, within the grace window: the same successor once more.
    Repeat,
    /// It was used before: the session ends.
    Reused,
}

/// Decides what a refresh token of this generation gets (security 56-60). The caller has checked that the session is
/// alive.
///
/// A token rotates at most once in a grace window. So whatever a client with several calls under way still holds is
/// the current token or the one before it, and no call of an honest client looks like theft (nakama 13.5).
pub(crate) fn rotate(
    session: &Session,
    generation: u32,
    device_id: Option<&str>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Rotation {
    let in_grace = now < session.last_used_at + policy.refresh_grace;
    if generation == session.generation {
        if in_grace {
            return Rotation::Keep;
        }
        let mut next = session.clone();
        next.generation += 1;
        next.last_used_at = now;
        next.idle_expires_at = (now + policy.session_idle).min(session.expires_at);
        return Rotation::Next(Box::new(next));
    }
    let previous = generation.checked_add(1) == Some(session.generation);
    let same_device = match (&session.device_id, device_id) {
        (Some(opened), asking) => Some(&**opened) == asking,
        (None, _) => true,
    };
    if previous && in_grace && same_device { Rotation::Repeat } else { Rotation::Reused }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::account::{Epoch, SessionId};
    use crate::session::{Method, Vars};

    fn session(generation: u32) -> Session {
        let at = DateTime::UNIX_EPOCH;
        Session {
            id: SessionId::from_bytes([1; 16]),
            identity: None,
            method: Method::Device,
            authenticated_at: at,
            last_used_at: at,
            idle_expires_at: at + TimeDelta::hours(1),
            expires_at: at + TimeDelta::hours(2),
            generation,
            access_revoked: false,
            refresh_revoked: false,
            client_vars: Vars::new(),
            server_vars: Vars::new(),
            device_name: None,
            device_id: None,
            epoch: Epoch::FIRST,
            store_epoch: Epoch::FIRST,
        }
    }

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn security_56_the_current_token_moves_the_session_on() {
        let policy = Policy::nakama();
        let Rotation::Next(next) = rotate(&session(3), 3, None, &policy, at(10_000)) else {
            panic!()
        };
        assert_eq!((next.generation, next.last_used_at), (4, at(10_000)));
        assert_eq!(next.idle_expires_at, at(10_000) + TimeDelta::hours(1));
    }

    #[test]
    fn nakama_13_5_a_token_younger_than_the_grace_window_stays() {
        let policy = Policy::nakama();
        assert_eq!(rotate(&session(3), 3, None, &policy, at(9_999)), Rotation::Keep);
        let strict = Policy { refresh_grace: TimeDelta::zero(), ..policy };
        assert!(matches!(rotate(&session(3), 3, None, &strict, at(0)), Rotation::Next(_)));
    }

    proptest! {
        /// However calls overlap, a token that was handed out less than a grace window ago is not taken for stolen.
        #[test]
        fn nakama_13_5_no_overlap_of_young_tokens_looks_like_theft(
            steps in prop::collection::vec((0i64..4_000, any::<prop::sample::Index>()), 1..200),
        ) {
            let policy = Policy::nakama();
            let (mut current, mut now) = (session(0), 0);
            let mut handed_out = vec![(0, 0)];
            for (step, pick) in steps {
                now += step;
                handed_out.retain(|(_, when)| now - when < 10_000);
                // Who holds no young token waits until the current one is due, and rotates it.
                let generation = if handed_out.is_empty() {
                    current.generation
                } else {
                    handed_out[pick.index(handed_out.len())].0
                };
                match rotate(&current, generation, None, &policy, at(now)) {
                    Rotation::Next(next) => current = *next,
                    Rotation::Keep | Rotation::Repeat => {}
                    Rotation::Reused => prop_assert!(false, "{generation} of {}", current.generation),
                }
                handed_out.push((current.generation, now));
            }
        }
    }

    #[test]
    fn security_60_idle_expiry_never_passes_the_absolute_one() {
        let late = at(90 * 60 * 1000);
        let Rotation::Next(next) = rotate(&session(0), 0, None, &Policy::nakama(), late) else {
            panic!()
        };
        assert_eq!(next.idle_expires_at, next.expires_at);
    }

    #[test]
    fn security_59_the_previous_token_repeats_within_grace_only() {
        let policy = Policy::nakama();
        assert_eq!(rotate(&session(3), 2, None, &policy, at(9_999)), Rotation::Repeat);
        assert_eq!(rotate(&session(3), 2, None, &policy, at(10_000)), Rotation::Reused);
        assert_eq!(rotate(&session(3), 1, None, &policy, at(1)), Rotation::Reused);
        let strict = Policy { refresh_grace: TimeDelta::zero(), ..policy };
        assert_eq!(rotate(&session(3), 2, None, &strict, at(0)), Rotation::Reused);
    }

    #[test]
    fn security_59_another_device_gets_no_second_successor() {
        let policy = Policy::nakama();
        let session = Session { device_id: Some("phone".into()), ..session(3) };
        assert_eq!(rotate(&session, 2, Some("phone"), &policy, at(1)), Rotation::Repeat);
        for other in [Some("other"), None] {
            assert_eq!(rotate(&session, 2, other, &policy, at(1)), Rotation::Reused);
        }
    }

    #[test]
    fn a_generation_that_was_never_handed_out_counts_as_reuse() {
        assert_eq!(rotate(&session(3), 4, None, &Policy::nakama(), at(1)), Rotation::Reused);
        assert_eq!(rotate(&session(0), u32::MAX, None, &Policy::nakama(), at(1)), Rotation::Reused);
    }
}
