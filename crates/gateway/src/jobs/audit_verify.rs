//! `audit.verify`: whether the audit log still says what it said.

use async_trait::async_trait;
use common::{
    audit::{self, Fault, Report},
    error::Kind,
    schedules::{Firing, Job, JobError},
};
use sqlx::PgPool;

/// A fault is told at so many places; after the first, most follow from it.
const TOLD: usize = 3;

/// Walks the chain of the audit log.
#[derive(Debug)]
pub struct AuditVerify {
    database: PgPool,
}

impl AuditVerify {
    /// What schedules call it.
    pub const NAME: &'static str = "audit.verify";

    pub fn new(database: PgPool) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Job for AuditVerify {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, _: &Firing) -> Result<(), JobError> {
        let report = audit::verify(&self.database).await?;
        if report.is_sound() {
            tracing::info!(rows = report.sealed, "the audit log is sound");
            return Ok(());
        }
        let found = told(&report);
        tracing::error!(
            audit = "audit.verify",
            faults = report.faults.len(),
            found,
            "somebody tampered with the audit log"
        );
        // Reading it again would not make it whole: `conflict` is this job's verdict, and nothing else of it is.
        Err(JobError::found(Kind::Conflict, found))
    }
}

fn told(report: &Report) -> String {
    let faults: Vec<_> = report.faults.iter().take(TOLD).map(fault).collect();
    let more = match report.faults.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("The audit log was tampered with: {}{more}.", faults.join(", "))
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Altered { position } => format!("row {position} was altered"),
        Fault::Unlinked { position } => format!("row {position} does not follow the one before it"),
        Fault::Missing { position } => format!("rows are missing from {position} on"),
        Fault::Backdated { position } => format!("row {position} was written later than it says"),
        Fault::WrongEnd { noted, found } => {
            format!("the chain ends at {found}, its end was noted at {noted}")
        }
        Fault::Contradicted { position } => format!("row {position} is not the one that was noted elsewhere"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_chain_says_where_it_broke_first() {
        let faults = (1..=5).map(|position| Fault::Altered { position }).collect();
        let report = Report { sealed: 9, unsealed: 0, faults };
        assert_eq!(
            told(&report),
            "The audit log was tampered with: row 1 was altered, row 2 was altered, row 3 was altered and 2 more."
        );
    }
}
