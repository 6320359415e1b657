//! A schedule: what is to be done again and again, when, and for whom.

use std::fmt;

use serde_json::Value;

use super::{Misses, Plan, PlanError, Rule};
use crate::{
    error::{Classify, Kind},
    id::TenantId,
};

/// Nothing is spread over more than an hour.
const MAX_JITTER: u16 = 3_600;
/// No name in the record is longer.
const MAX_NAME: usize = 100;

/// A schedule, as a service declares it in its code or makes it while it runs. It is data: everything in it may come from a row or a
/// request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Lower-case letters, digits, dots, hyphens and underscores. One schedule has it.
    pub name: String,
    /// The name of the job it runs.
    pub job: String,
    pub subject: Subject,
    /// Five fields.
    pub cron: String,
    /// An IANA zone, or `UTC`.
    pub zone: String,
    pub misses: Misses,
    /// 3,600 at most.
    pub jitter_seconds: u16,
    /// What its job is told besides: no secrets, for it is shown.
    pub payload: Value,
}

/// Whom something is done for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// The platform as a whole: such schedules are declared in code.
    #[default]
    Platform,
    Tenant(TenantId),
    Cluster(String),
}

impl Subject {
    /// As the record keeps it: a tenant, or a cluster.
    pub fn columns(&self) -> (Option<TenantId>, Option<&str>) {
        match self {
            Self::Platform => (None, None),
            Self::Tenant(tenant) => (Some(*tenant), None),
            Self::Cluster(cluster) => (None, Some(cluster)),
        }
    }

    /// What the record keeps, as it was.
    pub fn of_columns(tenant: Option<TenantId>, cluster: Option<String>) -> Self {
        match (tenant, cluster) {
            (Some(tenant), _) => Self::Tenant(tenant),
            (None, Some(cluster)) => Self::Cluster(cluster),
            (None, None) => Self::Platform,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Tenant(tenant) => tenant.fmt(f),
            Self::Cluster(cluster) => f.write_str(cluster),
        }
    }
}

/// A schedule that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    #[error("the schedule {schedule} cannot be planned")]
    Plan { schedule: String, source: PlanError },
    #[error("the schedule {schedule} names a job that is not there: {job}")]
    NoJob { schedule: String, job: String },
    #[error("two schedules have the name {0}")]
    Twice(String),
    #[error("the schedule {0} may fire up to an hour late, not more")]
    Jitter(String),
    #[error(
        "a schedule's name is 1 to 100 of a-z, 0-9, dot, hyphen and underscore, and begins with a letter or digit: {0}"
    )]
    Name(String),
}

impl Classify for DeclareError {
    fn kind(&self) -> Kind {
        // What was made of somebody's words is their mistake; what is declared in code does not start.
        Kind::Invalid
    }
}

impl Schedule {
    /// For the platform, without jitter.
    pub fn new(
        name: impl Into<String>,
        job: impl Into<String>,
        cron: impl Into<String>,
        misses: Misses,
    ) -> Self {
        Self {
            name: name.into(),
            job: job.into(),
            subject: Subject::Platform,
            cron: cron.into(),
            zone: "UTC".into(),
            misses,
            jitter_seconds: 0,
            payload: Value::Null,
        }
    }

    /// The same for one subject, whose schedule of this sort it is: its name says both.
    #[must_use]
    pub fn of(self, subject: Subject) -> Self {
        let name = match subject {
            Subject::Platform => self.name,
            Subject::Tenant(_) | Subject::Cluster(_) => format!("{}.{subject}", self.name),
        };
        Self { name, subject, ..self }
    }

    /// The same on the clocks of another zone.
    #[must_use]
    pub fn on_clocks_of(self, zone: impl Into<String>) -> Self {
        Self { zone: zone.into(), ..self }
    }

    /// The same, each moment up to so many seconds later.
    #[must_use]
    pub fn with_jitter(self, seconds: u16) -> Self {
        Self { jitter_seconds: seconds, ..self }
    }

    /// The same with something for its job to know.
    #[must_use]
    pub fn with_payload(self, payload: Value) -> Self {
        Self { payload, ..self }
    }

    /// How it fires, if it can be.
    pub fn rule(&self) -> Result<Rule, DeclareError> {
        if !is_name(&self.name) {
            return Err(DeclareError::Name(self.name.chars().take(MAX_NAME).collect()));
        }
        let plan = Plan::parse(&self.cron, &self.zone);
        let plan = plan.map_err(|source| DeclareError::Plan { schedule: self.name.clone(), source })?;
        if self.jitter_seconds > MAX_JITTER {
            return Err(DeclareError::Jitter(self.name.clone()));
        }
        let (misses, jitter_seconds) = (self.misses, self.jitter_seconds.into());
        Ok(Rule { name: self.name.clone(), plan, misses, jitter_seconds })
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = name.bytes().next().is_some_and(plain);
    first && name.len() <= MAX_NAME && name.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sort_of_schedule_has_a_name_for_each_subject() {
        let nightly = Schedule::new("backup.nightly", "backup", "0 2 * * *", Misses::CatchUp);
        let tenant = TenantId::generate();
        let of_tenant = nightly.clone().of(Subject::Tenant(tenant)).on_clocks_of("America/New_York");
        assert_eq!(of_tenant.name, format!("backup.nightly.{tenant}"));
        assert!(of_tenant.rule().is_ok());
        assert_eq!(nightly.clone().of(Subject::Cluster("eu-1".into())).name, "backup.nightly.eu-1");
        assert_eq!(nightly.clone().of(Subject::Platform), nightly);
        for subject in [of_tenant.subject, Subject::Cluster("eu-1".into()), Subject::Platform] {
            let (tenant, cluster) = subject.columns();
            assert_eq!(Subject::of_columns(tenant, cluster.map(str::to_owned)), subject);
        }
    }

    #[test]
    fn names_are_what_the_record_takes() {
        let named = |name: &str| Schedule::new(name, "backup", "0 2 * * *", Misses::Skip).rule();
        for name in ["a", "0", "a.b-c_d", &"x".repeat(100)] {
            assert!(named(name).is_ok(), "{name}");
        }
        for name in ["", ".a", "A", "a b", "ä", "a/b", &"x".repeat(101)] {
            assert!(matches!(named(name), Err(DeclareError::Name(_))), "{name}");
        }
    }
}
