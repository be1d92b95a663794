use std::collections::VecDeque;

use authcore::account::CommitId;
use authcore::event::{Event, EventCursor, StoredEvent};
use authcore::store::StoreHeader;

use crate::recent::Recent;

/// What there is one of: the outbox, whose cursors grow in the order of commits, and little else.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) header: Option<StoreHeader>,
    pub(crate) recent: Recent,
    /// By cursor.
    events: VecDeque<StoredEvent>,
    last_cursor: u64,
}

impl Log {
    /// Nothing when the cursors of the events do not grow, or go beyond the last one.
    pub(crate) fn restore(
        header: Option<StoreHeader>,
        recent: Vec<CommitId>,
        events: VecDeque<StoredEvent>,
        last_cursor: EventCursor,
    ) -> Option<Self> {
        let cursors = events.iter().map(|stored| stored.cursor);
        let cursors = std::iter::once(EventCursor::START).chain(cursors);
        let grow = cursors.is_sorted_by(|one, next| one < next);
        let within = events.back().is_none_or(|last| last.cursor <= last_cursor);
        let mut log = Self { header, events, last_cursor: last_cursor.number(), ..Self::default() };
        for id in recent {
            log.recent.insert(id);
        }
        (grow && within).then_some(log)
    }

    pub(crate) const fn last_cursor(&self) -> EventCursor {
        EventCursor::new(self.last_cursor)
    }

    pub(crate) fn append(&mut self, events: &[Event]) {
        for event in events {
            self.last_cursor += 1;
            let cursor = EventCursor::new(self.last_cursor);
            self.events.push_back(StoredEvent { cursor, event: event.clone() });
        }
    }

    pub(crate) fn events(&self, after: EventCursor, limit: u32) -> Vec<StoredEvent> {
        let start = self.events.partition_point(|stored| stored.cursor <= after);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.events.iter().skip(start).take(limit).cloned().collect()
    }

    pub(crate) fn prune(&mut self, up_to: EventCursor) -> u64 {
        let count = self.events.partition_point(|stored| stored.cursor <= up_to);
        self.events.drain(..count);
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}
