//! The outside systems, behind their ports.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{
    bus::{Bus, BusError, Carried},
    cluster::ClusterId,
    error::chain,
};
use futures::{StreamExt as _, stream};
use n8n::{Executions, Servers, TenantDatabases, TenantQueues};
use sqlx::PgPool;
use wire::{AskContainerUsage, ContainerUsage, Sample};

/// Samples that are on their way at once.
const AT_ONCE: usize = 64;

/// What is looked at, and where it is told.
#[derive(Clone)]
pub struct World {
    pub record: PgPool,
    pub cluster: ClusterId,
    pub containers: Arc<dyn Containers>,
    pub queues: Arc<dyn TenantQueues>,
    pub executions: Arc<dyn Executions>,
    pub databases: Arc<dyn TenantDatabases>,
    pub outlet: Arc<dyn Outlet>,
}

impl World {
    /// The real one.
    pub fn new(record: PgPool, bus: Bus, cluster: ClusterId, servers: Servers) -> Self {
        let databases = Arc::new(servers.databases);
        Self {
            record,
            containers: Arc::new(Provisioner { bus: bus.clone(), cluster: cluster.clone() }),
            cluster,
            queues: Arc::new(servers.queues),
            executions: databases.clone(),
            databases,
            outlet: Arc::new(bus),
        }
    }
}

/// What containers use. Only the provisioner reaches the engine: who may ask an engine may do anything with its machine.
#[async_trait]
pub trait Containers: Send + Sync {
    /// All of the cluster, by their names.
    async fn used(&self) -> Result<HashMap<String, ContainerUsage>, BusError>;
}

struct Provisioner {
    bus: Bus,
    cluster: ClusterId,
}

#[async_trait]
impl Containers for Provisioner {
    async fn used(&self) -> Result<HashMap<String, ContainerUsage>, BusError> {
        let asked = AskContainerUsage { cluster: Some(self.cluster.clone()) };
        let used = self.bus.request(&asked).await?;
        Ok(used.into_iter().map(|used| (used.name.clone(), used)).collect())
    }
}

/// Where samples are told.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Tells them as far as possible: what is lost is followed by the next.
    async fn tell(&self, samples: &[Sample]);
}

#[async_trait]
impl Outlet for Bus {
    async fn tell(&self, samples: &[Sample]) {
        let carried = Carried::default();
        let told: Vec<_> = samples.iter().map(|sample| self.publish(sample, &carried)).collect();
        let lost: Vec<_> =
            stream::iter(told).buffer_unordered(AT_ONCE).filter_map(async |told| told.err()).collect().await;
        if let Some(error) = lost.first() {
            tracing::debug!(lost = lost.len(), error = chain(error), "samples were not published");
        }
    }
}

/// What does not answer within this is as good as away: there are others to be looked at in the same tick.
pub const PATIENCE: Duration = Duration::from_secs(4);
