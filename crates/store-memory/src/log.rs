use std::collections::VecDeque;

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
