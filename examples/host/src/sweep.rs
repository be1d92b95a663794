//! Removes what is over from the store, now and then.

use std::time::Duration;

use authcore::event::EventCursor;
use authcore::{Engine, Error, Operator};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::MissedTickBehavior;

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// How much one pass takes at most, so that no write holds up the players' for long.
const LIMIT: u32 = 1000;
/// How many pages of old events go each time. What is more goes the next time.
const PAGES: u32 = 100;

/// Sweeps until it is dropped. Events older than `keep` go; with `None` all of them stay.
pub(crate) async fn run(engine: Engine, now: fn() -> DateTime<Utc>, keep: Option<TimeDelta>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = clear(&engine, LIMIT).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "sweeping failed");
        }
        // A time before all times keeps everything.
        let Some(before) = keep.and_then(|keep| now().checked_sub_signed(keep)) else {
            continue;
        };
        match prune(&engine, before, LIMIT).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "old events were removed"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "removing old events failed"
                );
            }
        }
    }
}

/// Settles accounts whose day has come, and removes codes, claims and throttles that are over, `limit` of each in a pass,
/// until none are left.
async fn clear(engine: &Engine, limit: u32) -> Result<(), Error> {
    while engine.sweep(limit).await?.is_full(limit) {}
    Ok(())
}

/// Removes the oldest events up to the first that is not from before a time, a page at once; returns how many.
async fn prune(engine: &Engine, before: DateTime<Utc>, page: u32) -> Result<u64, Error> {
    let operator = Operator::vouched_for("the host, which keeps events for a while");
    let mut pruned = 0;
    for _ in 0..PAGES {
        let oldest = engine.events(&operator, EventCursor::START, page).await?;
        let Some(last) = oldest.iter().take_while(|stored| stored.event.at < before).last() else {
            break;
        };
        pruned += engine.prune_events(&operator, last.cursor).await?;
        if oldest.last() != Some(last) {
            break;
        }
    }
    Ok(pruned)
}

#[cfg(test)]
mod tests {
    use authcore::store::{Admission, Charge, ThrottleKey};
    use authcore::{Credential, Login, Policy, RequestContext};
    use authcore_testkit::Harness;

    use super::*;

    async fn log_in(world: &Harness, device: u32) {
        let login =
            Login::new(Credential::Device(format!("a-device-with-the-number-{device}").into()));
        world.engine().login(&RequestContext::new(), login).await.unwrap();
    }

    async fn events(world: &Harness) -> usize {
        let operator = Operator::vouched_for("a test");
        world.engine().events(&operator, EventCursor::START, 1000).await.unwrap().len()
    }

    #[tokio::test]
    async fn sweeping_goes_on_until_nothing_is_left() {
        let world = Harness::with_policy(Policy::recommended());
        let now = authcore::Clock::now(world.clock());
        for number in 0..25 {
            let key = ThrottleKey::new([number; 32]);
            let charge = Charge { key, cost: 1, limit: 5, window: TimeDelta::seconds(1), now };
            assert_eq!(world.store().consume(&charge).await.unwrap(), Admission::Admitted);
        }
        world.clock().advance(TimeDelta::minutes(1));
        clear(world.engine(), 10).await.unwrap();
        assert_eq!(world.engine().sweep(10).await.unwrap(), authcore::Swept::default());
    }

    #[tokio::test]
    async fn old_events_go_and_young_ones_stay() {
        let world = Harness::with_policy(Policy::recommended());
        for device in 0..25 {
            log_in(&world, device).await;
        }
        let old = events(&world).await;
        assert!(old >= 25);
        world.clock().advance(TimeDelta::days(1));
        let noon = authcore::Clock::now(world.clock());
        assert_eq!(prune(world.engine(), noon - TimeDelta::days(2), 10).await.unwrap(), 0);
        for device in 25..30 {
            log_in(&world, device).await;
        }
        let all = events(&world).await;
        assert_eq!(prune(world.engine(), noon, 10).await.unwrap(), u64::try_from(old).unwrap());
        assert_eq!(events(&world).await, all - old);
        assert_eq!(prune(world.engine(), noon, 10).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_sweep_takes_so_many_pages_and_leaves_the_rest_to_the_next() {
        let world = Harness::with_policy(Policy::recommended());
        for device in 0..=PAGES {
            log_in(&world, device).await;
        }
        let all = events(&world).await;
        world.clock().advance(TimeDelta::days(1));
        let now = authcore::Clock::now(world.clock());
        assert_eq!(prune(world.engine(), now, 1).await.unwrap(), u64::from(PAGES));
        assert_eq!(events(&world).await, all - PAGES as usize);
    }
}
