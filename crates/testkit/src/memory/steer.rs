//! What the gateway does to operations.

use common::{
    id::OperationId,
    operations::{Entry, Event},
};
use serde_json::json;

use super::{JournalRow, MemoryRecord, Request, Row, Status};

impl MemoryRecord {
    /// Accepts an operation; `false`: it was accepted before.
    pub fn accept(&self, request: &Request) -> bool {
        let now = self.now();
        let mut rows = self.rows();
        let new = rows.iter().all(|row| row.id != request.id);
        if new {
            rows.push(Row::new(request, now));
        }
        new
    }

    /// Calls an operation off; `false`: it is too late.
    pub fn cancel(&self, id: OperationId) -> bool {
        let now = self.now();
        self.steer(id, |row| {
            let possible = match row.status {
                Status::Queued => true,
                Status::Running => row.kind.unwinds || row.cancellation.is_some(),
                Status::Undoing | Status::RolledBack => row.cancellation.is_some(),
                Status::Stuck | Status::Succeeded | Status::Abandoned => false,
            };
            if !possible {
                return false;
            }
            let cancellation = json!({ "kind": "cancelled", "detail": "Cancelled by a test." });
            if row.status == Status::Queued {
                (row.status, row.finished_at) = (Status::RolledBack, Some(now));
                row.error = Some(cancellation.clone());
            }
            row.not_before = row.not_before.min(now);
            row.cancellation.get_or_insert(cancellation);
            true
        })
    }

    /// Lets a stuck operation go on, in the direction it had; `false`: it is not stuck.
    pub fn resume(&self, id: OperationId) -> bool {
        let now = self.now();
        self.steer(id, |row| {
            if row.status != Status::Stuck {
                return false;
            }
            let back = row.journal.iter().any(|entry| entry.event == Event::UndoStarted);
            row.status = if back { Status::Undoing } else { Status::Running };
            row.error.take_if(|_| !back);
            (row.not_before, row.lease_owner, row.lease_until) = (now, None, None);
            if let Some(Entry { ordinal, .. }) = row.journal.last().map(JournalRow::entry) {
                let (event, fence) = (Event::Resumed, row.fence);
                let resumed = JournalRow { ordinal, event, fence, output: None, error: None, cause: None };
                row.journal.push(resumed);
            }
            true
        })
    }

    /// Gives a stuck operation up; `false`: it is not stuck.
    pub fn abandon(&self, id: OperationId) -> bool {
        let now = self.now();
        let abandoned = self.steer(id, |row| {
            let stuck = row.status == Status::Stuck;
            if stuck {
                (row.status, row.finished_at) = (Status::Abandoned, Some(now));
                (row.lease_owner, row.lease_until) = (None, None);
            }
            stuck
        });
        if abandoned {
            let why = json!({ "kind": "cancelled", "detail": "What it is a part of was given up." });
            self.call_off(id, |kind| kind.unwinds, &why);
        }
        abandoned
    }

    fn steer(&self, id: OperationId, change: impl FnOnce(&mut Row) -> bool) -> bool {
        let changed = self.rows().iter_mut().find(|row| row.id == id).is_some_and(change);
        self.wake_parent(id);
        changed
    }
}
