//! `retention`: forgetting what need not be remembered any longer.

use async_trait::async_trait;
use common::schedules::{Firing, Job, JobError, ScheduleError, ScheduleStore};
use sqlx::PgPool;

use crate::store::{events, expired};

/// Forgets signatures, answers, dead letters, events and firings that are old enough.
#[derive(Debug)]
pub struct Retention {
    database: PgPool,
}

impl Retention {
    /// What schedules call it.
    pub const NAME: &'static str = "retention";

    pub fn new(database: PgPool) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Job for Retention {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, _: &Firing) -> Result<(), JobError> {
        Ok(forget(&self.database).await?)
    }
}

/// Forgets what is old, batch after batch.
pub async fn forget(database: &PgPool) -> Result<(), ScheduleError> {
    while expired::forget_signatures(database).await? == expired::BATCH {}
    while expired::forget_answers(database).await? == expired::BATCH {}
    while expired::forget_dead_letters(database).await? == expired::BATCH {}
    while events::forget(database).await? == events::BATCH {}
    ScheduleStore::new(database.clone()).forget().await
}
