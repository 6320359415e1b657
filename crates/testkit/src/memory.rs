//! Operations kept in memory, under a clock of one's own.
//!
//! It answers as the Postgres record does, statement for statement; `tests/same_answers.rs` asks both the same questions.

mod parts;
mod row;
pub mod schedules;
mod steer;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use common::{
    id::OperationId,
    operations::{
        Claim, Claimed, End, Entry, NewEntry, NewOperation, OperationKind, Parent, Part, Record, StoreError,
        Subject, Transition,
    },
};
use serde_json::Value;

pub use row::{JournalRow, Row, Status};

/// The server's time since some moment long before anything happened.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A record in memory.
pub struct MemoryRecord {
    clock: Clock,
    rows: Mutex<Vec<Row>>,
}

/// An operation to be accepted.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: OperationId,
    pub kind: &'static OperationKind,
    pub subject: Subject,
    /// The operation that has it done as a part of itself.
    pub parent: Option<OperationId>,
    /// 0 is the most urgent.
    pub priority: i16,
    /// Not to be begun before, from now.
    pub delay: Duration,
    /// From now.
    pub deadline: Duration,
}

impl fmt::Debug for MemoryRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRecord").field("rows", &self.rows()).finish()
    }
}

impl MemoryRecord {
    /// A record without operations.
    pub fn new(clock: Clock) -> Self {
        Self { clock, rows: Mutex::default() }
    }

    /// The server's present time.
    pub fn now(&self) -> Duration {
        (self.clock)()
    }

    /// Everything as it is now, in the order of acceptance.
    pub fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap()
    }

    /// Changes the row of this operation, if the fence is the newest and its lease has not ended.
    fn held<T>(
        &self,
        id: OperationId,
        fence: i64,
        change: impl FnOnce(&mut Row, Duration) -> T,
    ) -> Result<T, StoreError> {
        let now = self.now();
        let mut rows = self.rows();
        let holds = |row: &&mut Row| row.id == id && row.fence == fence && row.lease_runs(now);
        let row = rows.iter_mut().find(holds).ok_or(StoreError::LeaseLost)?;
        Ok(change(row, now))
    }
}

#[async_trait]
impl Record for MemoryRecord {
    async fn claim(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        let now = self.now();
        let mut rows = self.rows();
        if rows.iter().filter(|row| row.is_busy(claim, now)).count() >= claim.at_most as usize {
            return Ok(None);
        }
        let waits = |row: &Row| rows.iter().any(|other| other.precedes(row, now));
        let due = rows.iter().filter(|row| row.is_due(claim, now) && !waits(row));
        let urgency = |row: &Row| if claim.oldest_first { 0 } else { row.priority };
        let Some(id) = due.min_by_key(|row| (urgency(row), row.created_at)).map(|row| row.id) else {
            return Ok(None);
        };
        let parent_of = |row: &Row| rows.iter().find(|other| Some(other.id) == row.parent);
        let parent = rows.iter().find(|row| row.id == id).and_then(parent_of).map(|parent| Parent {
            id: parent.id,
            kind: parent.kind.name.to_owned(),
            service: parent.kind.service.to_owned(),
        });
        let claimed = rows.iter_mut().find(|row| row.id == id);
        Ok(claimed.map(|row| row.hand_out(claim, parent, now)))
    }

    async fn renew(&self, id: OperationId, fence: i64, lease: Duration) -> Result<(), StoreError> {
        let renewed = self.held(id, fence, |row, now| row.lease_until = Some(now + lease));
        let given_back = |row: &Row| row.id == id && row.fence == fence && row.lease_until.is_none();
        if self.rows().iter().any(given_back) { Ok(()) } else { renewed }
    }

    async fn check(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        self.held(id, fence, |_, _| ())
    }

    async fn write(
        &self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let undoing = self.held(id, fence, |row, now| {
            row.transition(transition, now, lease);
            row.journal.extend(entries.iter().map(|entry| JournalRow::new(entry, fence)));
            row.status == Status::Undoing
        })?;
        self.wake_parent(id);
        Ok(undoing)
    }

    async fn journal(&self, id: OperationId) -> Result<Vec<Entry>, StoreError> {
        let rows = self.rows();
        let journal = rows.iter().find(|row| row.id == id).map(|row| &row.journal);
        Ok(journal.into_iter().flatten().map(JournalRow::entry).collect())
    }

    async fn ensure_part(&self, new: &NewOperation<'_>, fence: i64) -> Result<Part, StoreError> {
        Ok(self.accept_or_read_part(new, fence))
    }

    async fn cancel_parts(
        &self,
        parent: OperationId,
        fence: i64,
        unwinding: bool,
        why: &Value,
    ) -> Result<Vec<OperationId>, StoreError> {
        Ok(self.call_off_parts(parent, fence, unwinding, why))
    }
}

/// The status that an end is noted as.
fn status_of(end: End) -> Status {
    match end {
        End::Succeeded => Status::Succeeded,
        End::RolledBack => Status::RolledBack,
        End::Stuck => Status::Stuck,
    }
}
