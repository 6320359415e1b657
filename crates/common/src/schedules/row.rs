//! What a schedule's row says, and what a declaration makes of it. Pure.

use serde_json::Value;
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{Decision, Moment, Plan, PlanError, Rule, Schedule, Subject, decide};
use crate::id::TenantId;

/// A schedule's row, without its pause.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Row {
    pub name: String,
    pub service: String,
    pub job: String,
    pub tenant_id: Option<TenantId>,
    pub cluster: Option<String>,
    pub cron: String,
    pub zone: String,
    pub misses: String,
    pub jitter_seconds: i32,
    pub payload: Value,
    pub retired: bool,
    pub next_due: OffsetDateTime,
}

impl Row {
    /// What is to be done about it now, or why it cannot be followed.
    pub fn decide(&self, now: OffsetDateTime) -> Result<Decision, String> {
        let text = |error: PlanError| error.to_string();
        let rule = Rule {
            name: self.name.clone(),
            plan: Plan::parse(&self.cron, &self.zone).map_err(text)?,
            misses: self.misses.parse().map_err(str::to_owned)?,
            jitter_seconds: self.jitter_seconds.unsigned_abs(),
        };
        decide(&rule, self.next_due, now).map_err(text)
    }

    /// Whom it is about.
    pub fn subject(&self) -> Subject {
        Subject::of_columns(self.tenant_id, self.cluster.clone())
    }

    /// Whether there is nothing to write.
    fn is(&self, service: &str, schedule: &Schedule) -> bool {
        let policy = (schedule.misses.as_str(), i32::from(schedule.jitter_seconds), &schedule.payload);
        self.goes_on(schedule)
            && (&*self.service, &*self.job) == (service, &*schedule.job)
            && (self.tenant_id, self.cluster.as_deref()) == schedule.subject.columns()
            && (&*self.misses, self.jitter_seconds, &self.payload) == policy
    }

    /// Whether its moments are the same as before.
    fn goes_on(&self, schedule: &Schedule) -> bool {
        !self.retired && (&self.cron, &self.zone) == (&schedule.cron, &schedule.zone)
    }
}

/// The first moment of a schedule that is declared now, over the row there is; nothing, if the row says all of it already.
pub fn first_moment(
    row: Option<&Row>,
    service: &str,
    schedule: &Schedule,
    rule: &Rule,
    now: OffsetDateTime,
) -> Result<Option<Moment>, PlanError> {
    match row {
        Some(row) if row.is(service, schedule) => Ok(None),
        Some(row) if row.goes_on(schedule) => Ok(Some(rule.moment(row.next_due))),
        Some(_) | None => rule.next_after(now).map(Some),
    }
}
