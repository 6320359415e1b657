//! How much a tenant used, as the API shows it.

use std::collections::BTreeMap;

use common::tenant::ExecutionKind;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::{Resolution, Zone};
use crate::store::usage::{Hour, Measured};

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

/// What was used beside executions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Measures {
    /// Calls of its addresses that its n8n answered: webhooks, the editor and its API alike. Not those that were refused on the way, or that got
    /// a page in its place.
    api_calls: i64,
    /// Disk that its database took, on average over the hours in which it was measured, each with the most of it; null when it never was, as of
    /// one that shares an n8n.
    storage_bytes_average: Option<i64>,
    /// The most that was seen; of what is told by months no more, null.
    storage_bytes_highest: Option<i64>,
    /// How many hours were measured.
    #[serde(skip)]
    storage_hours: i64,
    #[serde(skip)]
    storage_byte_hours: i128,
}

/// What was used from one moment on, up to the next one's.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct UsageInterval {
    #[serde(with = "rfc3339")]
    from: OffsetDateTime,
    #[serde(flatten)]
    by_kind: UsageByKind,
    #[serde(flatten)]
    measures: Measures,
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

impl Measures {
    fn add(&mut self, hour: &Measured) {
        self.api_calls += hour.api_calls;
        self.storage_hours += hour.storage_hours;
        self.storage_byte_hours += i128::from(hour.storage_byte_hours);
        self.storage_bytes_highest = self.storage_bytes_highest.max(hour.storage_bytes_highest);
        let average = self.storage_byte_hours.checked_div(i128::from(self.storage_hours));
        self.storage_bytes_average = average.and_then(|average| i64::try_from(average).ok());
    }

    /// All of these hours together.
    pub fn of(hours: &[Measured]) -> Self {
        let mut all = Self::default();
        hours.iter().for_each(|hour| all.add(hour));
        all
    }
}

/// Cut into parts of the calendar, those of which nothing is known left out.
pub fn intervals(
    hours: &[Hour],
    measured: &[Measured],
    resolution: Resolution,
    zone: &Zone,
) -> Vec<UsageInterval> {
    let begins = |hour| resolution.begins(hour, zone).unwrap_or(hour);
    let mut parts: BTreeMap<OffsetDateTime, (UsageByKind, Measures)> = BTreeMap::new();
    for hour in hours {
        parts.entry(begins(hour.hour)).or_default().0.add(hour);
    }
    for hour in measured {
        parts.entry(begins(hour.hour)).or_default().1.add(hour);
    }
    let interval = |(from, (by_kind, measures))| UsageInterval { from, by_kind, measures };
    parts.into_iter().map(interval).collect()
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
        let days = intervals(&hours, &[], Resolution::Day, &zone);
        let by_day: Vec<_> = days.iter().map(|day| (day.from, day.by_kind.billable())).collect();
        // The 25th has 25 hours there, and ends at 23:00 UTC.
        assert_eq!(by_day, [(datetime!(2026-10-24 22:00 UTC), 3), (datetime!(2026-10-25 23:00 UTC), 8)]);
        assert_eq!(intervals(&hours, &[], Resolution::Hour, &zone).len(), 4);
    }

    #[test]
    fn calls_add_up_and_storage_is_an_average_of_the_hours_that_were_measured() {
        let hour = |hour, api_calls, storage_bytes: Option<i64>| Measured {
            hour,
            api_calls,
            storage_hours: i64::from(storage_bytes.is_some()),
            storage_byte_hours: storage_bytes.unwrap_or_default(),
            storage_bytes_highest: storage_bytes,
        };
        let measured = [
            hour(datetime!(2026-11-01 10:00 UTC), 3, Some(100)),
            hour(datetime!(2026-11-01 11:00 UTC), 4, None),
            hour(datetime!(2026-11-01 12:00 UTC), 0, Some(201)),
            hour(datetime!(2026-11-02 00:00 UTC), 5, None),
        ];
        let told = |all: &Measures| (all.api_calls, all.storage_bytes_average, all.storage_bytes_highest);
        assert_eq!(told(&Measures::of(&measured)), (12, Some(150), Some(201)));
        let days = intervals(&[], &measured, Resolution::Day, &Zone::default());
        let days: Vec<_> = days.iter().map(|day| told(&day.measures)).collect();
        assert_eq!(days, [(7, Some(150), Some(201)), (5, None, None)]);
        assert_eq!(told(&Measures::of(&[])), (0, None, None));
    }
}
