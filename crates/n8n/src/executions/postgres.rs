//! The executions of real instances, over connections that are kept from one look to the next.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Activity, Executions, Metered, Whose, activity, history, hours, proof};
use crate::databases::{DatabaseError, Name, PostgresDatabases, ensure_meter};

#[async_trait]
impl Executions for PostgresDatabases {
    async fn ensure_meter(&self, instance: &Name) -> Result<(), DatabaseError> {
        ensure_meter(self, instance, &instance.to_string()).await
    }

    async fn activity(
        &self,
        instance: &Name,
        of: Whose,
    ) -> Result<BTreeMap<String, Activity>, DatabaseError> {
        activity::look(&mut *self.borrow(instance).await?, of).await
    }

    async fn hours(&self, instance: &Name, since: Option<OffsetDateTime>) -> Result<Metered, DatabaseError> {
        hours::changed(&mut *self.borrow(instance).await?, since).await
    }

    async fn forget(&self, instance: &Name, before: OffsetDateTime) -> Result<u64, DatabaseError> {
        hours::forget(&mut *self.borrow(instance).await?, before).await
    }

    async fn prune_each(&self, instance: &Name, kept: u32) -> Result<u64, DatabaseError> {
        history::prune_each(&mut *self.borrow(instance).await?, kept).await
    }

    async fn is_seen(&self, instance: &Name) -> Result<bool, DatabaseError> {
        proof::is_seen(&mut *self.borrow(instance).await?).await
    }
}
