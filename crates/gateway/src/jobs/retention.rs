//! `retention`: forgetting what need not be remembered any longer.

use std::num::NonZeroU16;

use async_trait::async_trait;
use common::schedules::{Firing, Job, JobError, ScheduleError, ScheduleStore};
use sqlx::PgPool;

use crate::store::{events, expired};

/// Forgets signatures, answers, dead letters, events, operations and firings that are old enough.
#[derive(Debug)]
pub struct Retention {
    database: PgPool,
    operations_kept_days: NonZeroU16,
}

impl Retention {
    /// What schedules call it.
    pub const NAME: &'static str = "retention";

    pub fn new(database: PgPool, operations_kept_days: NonZeroU16) -> Self {
        Self { database, operations_kept_days }
    }
}

#[async_trait]
impl Job for Retention {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, _: &Firing) -> Result<(), JobError> {
        Ok(forget(&self.database, self.operations_kept_days).await?)
    }
}

/// Forgets what is old, batch after batch.
pub async fn forget(database: &PgPool, operations_kept_days: NonZeroU16) -> Result<(), ScheduleError> {
    while expired::forget_signatures(database).await? == expired::BATCH {}
    while expired::forget_answers(database).await? == expired::BATCH {}
    while expired::forget_dead_letters(database).await? == expired::BATCH {}
    while expired::forget_operations(database, operations_kept_days).await? == expired::OPERATIONS_BATCH {}
    while events::forget(database).await? == events::BATCH {}
    ScheduleStore::new(database.clone()).forget().await
}
