//! What a schedule runs.

use async_trait::async_trait;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Subject;
use crate::{
    error::{Classify, Kind, chain},
    id::TenantId,
};

/// One firing, as its job sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    pub schedule: String,
    /// The moment it was due at. With the schedule's name it is the firing's key: whatever is done for it once is done
    /// under this key.
    pub due_at: OffsetDateTime,
    /// Whom it is done for.
    pub subject: Subject,
    /// What its schedule tells the job besides.
    pub payload: Value,
    /// 1 the first time.
    pub attempt: i32,
}

impl Firing {
    /// An id for what is done for it: the same each time that it is run, and no other firing's; with the moment that it was due at.
    pub fn id(&self) -> Uuid {
        let sum = Sha256::digest(format!("{}/{}", self.schedule, self.due_at.unix_timestamp()));
        let mut random = [0; 10];
        random.copy_from_slice(sum.get(..10).unwrap_or(&[0; 10]));
        let millis = self.due_at.unix_timestamp().unsigned_abs() * 1000;
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// Whom it is done for, where that has to be a tenant.
    pub fn tenant(&self) -> Result<TenantId, JobError> {
        match self.subject {
            Subject::Tenant(tenant) => Ok(tenant),
            Subject::Platform | Subject::Cluster(_) => {
                Err(JobError::found(Kind::Internal, "The schedule is of no tenant."))
            }
        }
    }
}

/// Work that a schedule begins.
///
/// It may be dropped at any `await`, when the process stops or its lease is lost, and is then run again for the same
/// firing. One schedule's firings are run one after the other, the oldest first.
#[async_trait]
pub trait Job: Send + Sync {
    /// The name schedules call it by.
    fn name(&self) -> &'static str;

    /// Does it.
    async fn run(&self, firing: &Firing) -> Result<(), JobError>;
}

/// Why a firing did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    pub(super) kind: Kind,
    pub(super) detail: String,
    pub(super) cause: String,
    pub(super) again: bool,
}

impl JobError {
    /// It went wrong, and is worth trying again unless its kind says otherwise.
    pub fn failed(error: &impl Classify) -> Self {
        let kind = error.kind();
        // Our own mistakes rarely go away; that they look like one more often.
        let again = kind.is_transient() || kind == Kind::Internal;
        Self { kind, detail: error.public_detail(), cause: chain(error), again }
    }

    /// It was found that something is so, and trying again would not change it. Public words.
    pub fn found(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind, cause: detail.clone(), detail, again: false }
    }

    /// It came to an unexpected end.
    pub(super) fn panicked() -> Self {
        let detail = "It came to an unexpected end.";
        Self { kind: Kind::Internal, detail: detail.into(), cause: detail.into(), again: true }
    }

    /// As the record keeps it.
    pub(super) fn told(&self) -> Value {
        json!({ "kind": self.kind.as_str(), "detail": self.detail })
    }
}

impl<E: Classify> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::failed(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_firing_has_one_id_however_often_it_is_run() {
        let tenant = TenantId::generate();
        let firing = |name: &str| Firing {
            schedule: format!("{name}.{tenant}"),
            due_at: clock::now().replace_nanosecond(0).unwrap(),
            subject: Subject::Tenant(tenant),
            payload: json!({}),
            attempt: 1,
        };
        let daily = firing("backup.daily");
        assert_eq!(daily.id(), Firing { attempt: 2, ..daily.clone() }.id());
        assert_ne!(daily.id(), firing("backup.weekly").id());
        for days in [1, 90] {
            let later = Firing { due_at: daily.due_at + time::Duration::days(days), ..daily.clone() };
            assert!(daily.id() < later.id());
        }
        assert_eq!(daily.tenant(), Ok(tenant));
        assert!(Firing { subject: Subject::Platform, ..daily }.tenant().is_err());
    }

    #[test]
    fn an_id_is_the_same_in_every_release() {
        let firing = Firing {
            schedule: "backup.daily.ten_0198c0de0000700080000000000000aa".into(),
            due_at: time::macros::datetime!(2026-08-01 02:00 UTC),
            subject: Subject::Platform,
            payload: json!({}),
            attempt: 1,
        };
        assert_eq!(firing.id().to_string(), "019fbb0c-b500-7645-9e4b-c8df98c80f05");
    }
}
