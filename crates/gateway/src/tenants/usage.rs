//! How much a tenant ran, as the API shows it.

use std::collections::BTreeMap;

use common::tenant::ExecutionKind;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::{Resolution, Zone};
use crate::store::usage::Hour;

/// Executions of one kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ExecutionCounts {
    /// Those that began.
    executions: i64,
    succeeded: i64,
    failed: i64,
    canceled: i64,
    /// Ended, and n8n did not keep how: of those that it is told not to save.
    discarded: i64,
    /// How long those that ended took, all together.
    run_seconds: f64,
}

/// Executions by their kind. `production` counts for limits and bills, the others are told for information.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct UsageByKind {
    production: ExecutionCounts,
    manual: ExecutionCounts,
    error: ExecutionCounts,
    sub_workflow: ExecutionCounts,
}

/// What ran from one moment on, up to the next one's.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct UsageInterval {
    #[serde(with = "rfc3339")]
    from: OffsetDateTime,
    #[serde(flatten)]
    by_kind: UsageByKind,
}

impl ExecutionCounts {
    fn add(&mut self, hour: &Hour) {
        self.executions += hour.executions;
        self.succeeded += hour.succeeded;
        self.failed += hour.failed;
        self.canceled += hour.canceled;
        self.discarded += hour.discarded;
        self.run_seconds += hour.run_ms as f64 / 1000.0;
    }
}

impl UsageByKind {
    fn add(&mut self, hour: &Hour) {
        match hour.kind.0 {
            ExecutionKind::Production => self.production.add(hour),
            ExecutionKind::Manual => self.manual.add(hour),
            ExecutionKind::Error => self.error.add(hour),
            ExecutionKind::SubWorkflow => self.sub_workflow.add(hour),
        }
    }

    /// All of these hours together.
    pub fn of(hours: &[Hour]) -> Self {
        let mut all = Self::default();
        hours.iter().for_each(|hour| all.add(hour));
        all
    }

    /// Of these, those that count for limits and bills.
    pub const fn billable(&self) -> i64 {
        self.production.executions
    }
}

/// Cut into parts of the calendar, those in which nothing ran left out.
pub fn intervals(hours: &[Hour], resolution: Resolution, zone: &Zone) -> Vec<UsageInterval> {
    let mut parts: BTreeMap<OffsetDateTime, UsageByKind> = BTreeMap::new();
    for hour in hours {
        let begins = resolution.begins(hour.hour, zone).unwrap_or(hour.hour);
        parts.entry(begins).or_default().add(hour);
    }
    parts.into_iter().map(|(from, by_kind)| UsageInterval { from, by_kind }).collect()
}

/// What a tenant has used so far in the present month (UTC), by which limits go.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct MonthUsage {
    #[schema(example = "2026-11")]
    month: String,
    /// Those that count for limits and bills: `executions.production`.
    billable_executions: i64,
    /// By their kind.
    executions: ExecutionsByKind,
    /// Disk that its database takes; null for one that shares an n8n, and while nobody has measured it.
    storage_bytes: Option<i64>,
}

/// How many began, by their kind.
#[derive(Debug, Default, PartialEq, Serialize, serde::Deserialize, ToSchema)]
#[serde(default)]
pub struct ExecutionsByKind {
    production: i64,
    manual: i64,
    error: i64,
    sub_workflow: i64,
}

impl MonthUsage {
    /// Of a month that is told by its first day.
    pub fn new(month: String, executions: ExecutionsByKind, storage_bytes: Option<i64>) -> Self {
        Self { month, billable_executions: executions.production, executions, storage_bytes }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{http::fields::Text as _, store::word::Word};

    fn hour(hour: OffsetDateTime, kind: ExecutionKind, executions: i64) -> Hour {
        Hour {
            hour,
            kind: Word(kind),
            executions,
            succeeded: executions,
            failed: 0,
            canceled: 0,
            discarded: 0,
            run_ms: 1500,
        }
    }

    #[test]
    fn hours_add_up_whatever_they_are_cut_into() {
        let hours = [
            hour(datetime!(2026-10-24 23:00 UTC), ExecutionKind::Production, 1),
            hour(datetime!(2026-10-25 21:00 UTC), ExecutionKind::Production, 2),
            hour(datetime!(2026-10-25 22:00 UTC), ExecutionKind::Manual, 4),
            hour(datetime!(2026-10-25 23:00 UTC), ExecutionKind::Production, 8),
        ];
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let all = UsageByKind::of(&hours);
        assert_eq!((all.billable(), all.manual.executions, all.production.run_seconds), (11, 4, 4.5));
        let days = intervals(&hours, Resolution::Day, &zone);
        let by_day: Vec<_> = days.iter().map(|day| (day.from, day.by_kind.billable())).collect();
        // The 25th has 25 hours there, and ends at 23:00 UTC.
        assert_eq!(by_day, [(datetime!(2026-10-24 22:00 UTC), 3), (datetime!(2026-10-25 23:00 UTC), 8)]);
        assert_eq!(intervals(&hours, Resolution::Hour, &zone).len(), 4);
    }
}
