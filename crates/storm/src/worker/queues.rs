//! The tenants' queues in the storm's world.

use async_trait::async_trait;
use common::id::TenantId;
use n8n::queues::{Depth, Job, QueueError, QueueUsage, TenantQueues};
use secrecy::SecretString;

use super::remote::{Away, Remote};
use crate::world::{Kind, Verb};

fn unavailable(away: Away) -> QueueError {
    QueueError::Unavailable(redis::RedisError::from(std::io::Error::from(away)))
}

#[async_trait]
impl TenantQueues for Remote {
    async fn ensure_user(&self, tenant: TenantId, _: &SecretString) -> Result<(), QueueError> {
        let made = self.ensure(Kind::Queue, &tenant.to_string(), String::new()).await;
        made.map(drop).map_err(unavailable)
    }

    async fn remove(&self, tenant: TenantId) -> Result<(), QueueError> {
        Remote::remove(self, &[Kind::Queue], &tenant.to_string()).await.map_err(unavailable)
    }

    async fn pending(&self, _: TenantId) -> Result<u64, QueueError> {
        Ok(self.call(Verb::Pending).await.map_err(unavailable)?.len() as u64)
    }

    /// Nobody in a storm asks what waits: nothing runs there.
    async fn depths(&self, tenants: &[TenantId]) -> Result<Vec<Depth>, QueueError> {
        Ok(vec![Depth::default(); tenants.len()])
    }

    async fn unheld(&self, _: TenantId) -> Result<Vec<Job>, QueueError> {
        Ok(Vec::new())
    }

    async fn put_back(&self, _: TenantId, _: &[Job]) -> Result<u64, QueueError> {
        Ok(0)
    }

    async fn is_seen(&self, _: TenantId) -> Result<bool, QueueError> {
        Ok(true)
    }

    async fn usage(&self) -> Result<QueueUsage, QueueError> {
        Ok(QueueUsage::default())
    }

    /// Only the holder's own tenant is shown: nobody who asks looks at others.
    async fn observe(&self) -> Result<Vec<TenantId>, QueueError> {
        let seen = self.look_for(Kind::Queue).await.map_err(unavailable)?;
        Ok(seen.iter().filter_map(|queue| queue.name.parse().ok()).collect())
    }
}
