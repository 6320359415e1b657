//! Operations that are done as parts of others.

use common::{
    id::OperationId,
    operations::{NewOperation, OperationKind, Part},
};
use serde_json::Value;

use super::{MemoryRecord, Request, Row, Status};

impl MemoryRecord {
    pub(super) fn accept_or_read_part(&self, new: &NewOperation<'_>, fence: i64) -> Part {
        let now = self.now();
        let mut rows = self.rows();
        if let Some(row) = rows.iter().find(|row| row.id == new.id && row.parent == new.parent) {
            return part(row);
        }
        let possible = |row: &&Row| {
            let held = Some(row.id) == new.parent && row.fence == fence && row.lease_runs(now);
            held && row.status == Status::Running && row.cancellation.is_none()
        };
        let Some(parent) = rows.iter().find(possible) else { return Part::Open };
        let request = Request {
            id: new.id,
            kind: new.kind,
            subject: parent.subject.clone(),
            parent: new.parent,
            priority: new.priority.unwrap_or(new.kind.priority).rank(),
            delay: std::time::Duration::ZERO,
            deadline: new.kind.deadline,
        };
        let cluster = parent.cluster.clone();
        rows.push(Row { cluster, request: new.request.clone(), ..Row::new(&request, now) });
        Part::Accepted
    }

    pub(super) fn call_off_parts(
        &self,
        parent: OperationId,
        fence: i64,
        unwinding: bool,
        why: &Value,
    ) -> Vec<OperationId> {
        let now = self.now();
        let holds = |row: &Row| row.id == parent && row.fence == fence && row.lease_runs(now);
        if self.rows().iter().any(holds) {
            self.call_off(parent, |_| unwinding, why);
        }
        let rows = self.rows();
        let open = rows.iter().filter(|row| row.parent == Some(parent) && !row.status.is_over());
        open.map(|row| row.id).collect()
    }

    /// Calls off what has not begun, and what has as far as `may` says.
    pub(super) fn call_off(&self, parent: OperationId, may: impl Fn(&OperationKind) -> bool, why: &Value) {
        let now = self.now();
        let mut ended = Vec::new();
        for row in self.rows().iter_mut().filter(|row| row.parent == Some(parent)) {
            let begun = matches!(row.status, Status::Running | Status::Stuck);
            let possible = row.status == Status::Queued || (begun && may(row.kind));
            if row.cancellation.is_some() || !possible {
                continue;
            }
            if row.status == Status::Queued {
                (row.status, row.finished_at) = (Status::RolledBack, Some(now));
                row.error = Some(why.clone());
                ended.push(row.id);
            }
            row.not_before = row.not_before.min(now);
            row.cancellation = Some(why.clone());
        }
        ended.into_iter().for_each(|id| self.wake_parent(id));
    }

    /// Whatever has this done as a part of itself does not rest any more, if this is over.
    pub(super) fn wake_parent(&self, id: OperationId) {
        let now = self.now();
        let mut rows = self.rows();
        let over = rows.iter().find(|row| row.id == id && row.status.is_over() && !row.told_parent);
        let Some(parent) = over.and_then(|row| row.parent) else { return };
        for row in rows.iter_mut() {
            row.told_parent |= row.id == id;
            if row.id == parent && matches!(row.status, Status::Running | Status::Undoing) {
                row.not_before = row.not_before.min(now);
                row.child_ended = true;
            }
        }
    }
}

fn part(row: &Row) -> Part {
    match row.status {
        Status::Succeeded => {
            Part::Succeeded { state: row.journal.iter().rev().find_map(|entry| entry.output.clone()) }
        }
        Status::RolledBack | Status::Abandoned => Part::Failed {
            error: row.error.clone(),
            cause: row.journal.iter().rev().find_map(|entry| entry.cause.clone()),
        },
        Status::Queued | Status::Running | Status::Undoing | Status::Stuck => Part::Open,
    }
}
