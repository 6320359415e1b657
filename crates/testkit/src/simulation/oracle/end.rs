//! What must be true when everything is over.

use common::operations::End;

use super::{
    super::{outside::Outside, sagas},
    Oracle,
};
use crate::memory::{Row, Status};

/// The status that this end is.
pub(super) const fn status(end: End) -> Status {
    match end {
        End::Succeeded => Status::Succeeded,
        End::RolledBack => Status::RolledBack,
        End::Stuck => Status::Stuck,
    }
}

impl Oracle {
    /// Compares the rows and the outside with the account.
    pub fn settle(&mut self, rows: &[Row], outside: &Outside) {
        self.rule_of_count(rows.len());
        if !self.panicking.is_empty() {
            self.violation
                .get_or_insert_with(|| "a panic is its step's failure, and nobody else's end".into());
        }
        for row in rows {
            let id = row.id;
            let case = self.case(id);
            let (end, written, cancelled) = (case.end, case.written.clone(), case.cancelled);
            let everything = sagas::effects(case.kind);
            let present = outside.of_operation(id);
            self.rule(id, end == Some(row.status), "the row says how its operation ended");
            self.rule(id, written == row.journal, "the journal holds what was written, in that order");
            match row.status {
                Status::Succeeded => {
                    self.rule(id, present == everything, "what succeeded has every effect");
                    self.rule(id, !cancelled, "what was cancelled does not succeed");
                }
                Status::RolledBack => self.rule(id, present == 0, "what was rolled back has left nothing"),
                Status::Abandoned => {}
                Status::Queued | Status::Running | Status::Undoing | Status::Stuck => {
                    self.violated(id, "everything accepted ends")
                }
            }
        }
    }

    fn rule_of_count(&mut self, rows: usize) {
        if rows != self.cases.len() {
            self.violation.get_or_insert_with(|| "every accepted operation has a row".into());
        }
    }
}
