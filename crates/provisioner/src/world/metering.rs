//! Whoever counts what instances run.

use async_trait::async_trait;
use common::{
    bus::{Bus, BusError},
    cluster::ClusterId,
    id::TenantId,
};
use wire::CountUsage;

/// Whoever counts what instances run.
#[async_trait]
pub trait Metering: Send + Sync {
    /// Counts what this instance has run up to now. Done when it is in the record.
    async fn count(&self, instance: TenantId) -> Result<(), BusError>;
}

/// The collector.
pub struct Collector {
    pub bus: Bus,
    pub cluster: ClusterId,
}

#[async_trait]
impl Metering for Collector {
    async fn count(&self, instance: TenantId) -> Result<(), BusError> {
        self.bus.request(&CountUsage { instance, cluster: Some(self.cluster.clone()) }).await
    }
}

/// Nobody, in a world where nothing runs.
pub struct Uncounted;

#[async_trait]
impl Metering for Uncounted {
    async fn count(&self, _: TenantId) -> Result<(), BusError> {
        Ok(())
    }
}
