//! The collector's ticks over tenants whose containers and databases are made up. The record, the bus and the queues are real.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use common::{
    bus::BusError,
    clock,
    cluster::ClusterId,
    config::{Env, Section},
    service::Service,
};
use metrics_collector::{Containers, World, watch};
use n8n::{
    Executions,
    databases::{DatabaseError, Name},
    executions::{Activity, Metered, Whose},
    fake::DatabaseWorld,
    queues::RedisQueues,
};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use wire::ContainerUsage;

use crate::record::{CLUSTER, containers};

/// One of so many is busy; the others are as idle as most tenants are.
const BUSY: u128 = 10;

/// What the collector is told.
pub struct Config {
    redis: SecretString,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self { redis: env.secret("REDIS_URL")? })
    }
}

/// Starts the collector's ticks.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    let world = World {
        record: service.database.clone(),
        cluster: CLUSTER.parse::<ClusterId>()?,
        containers: Arc::new(Used::of(containers(&service.database).await?)),
        queues: Arc::new(RedisQueues::new(config.redis.expose_secret())?),
        executions: Arc::new(SomeBusy),
        databases: Arc::new(DatabaseWorld::default().actor("bench")),
        outlet: Arc::new(service.bus.clone()),
    };
    watch(&world, service).await?;
    Ok(())
}

/// Each container uses half a gigabyte and a tenth of a processor.
struct Used {
    containers: Vec<ContainerUsage>,
    begun: OffsetDateTime,
}

impl Used {
    fn of(containers: Vec<(String, common::id::TenantId)>) -> Self {
        let begun = clock::now();
        let used = |(name, tenant)| ContainerUsage {
            name,
            tenant,
            at: begun,
            cpu: Duration::ZERO,
            memory: 512 << 20,
        };
        Self { containers: containers.into_iter().map(used).collect(), begun }
    }
}

#[async_trait]
impl Containers for Used {
    async fn used(&self) -> Result<HashMap<String, ContainerUsage>, BusError> {
        let at = clock::now();
        let cpu = Duration::try_from(at - self.begun).unwrap_or_default() / 10;
        let now = |used: &ContainerUsage| (used.name.clone(), ContainerUsage { at, cpu, ..used.clone() });
        Ok(self.containers.iter().map(now).collect())
    }
}

/// Databases that answer at once.
struct SomeBusy;

#[async_trait]
impl Executions for SomeBusy {
    async fn ensure_meter(&self, _: &Name) -> Result<(), DatabaseError> {
        Ok(())
    }

    async fn activity(&self, name: &Name, _: Whose) -> Result<BTreeMap<String, Activity>, DatabaseError> {
        let is_busy = name.tenant().uuid().as_u128().is_multiple_of(BUSY);
        Ok(is_busy.then(|| (String::new(), busy())).into_iter().collect())
    }

    async fn hours(&self, _: &Name, _: Option<OffsetDateTime>) -> Result<Metered, DatabaseError> {
        Ok(Metered { source: uuid::Uuid::nil(), until: clock::now(), hours: Vec::new() })
    }

    async fn forget(&self, _: &Name, _: OffsetDateTime) -> Result<u64, DatabaseError> {
        Ok(0)
    }

    async fn prune_each(&self, _: &Name, _: u32) -> Result<u64, DatabaseError> {
        Ok(0)
    }

    async fn is_seen(&self, _: &Name) -> Result<bool, DatabaseError> {
        Ok(true)
    }
}

fn busy() -> Activity {
    Activity {
        queued: 3,
        running: 5,
        oldest: Some(Duration::from_millis(900)),
        began_in_minute: 60,
        queue_wait_p95: Some(Duration::from_millis(1_200)),
        duration_p95: Some(Duration::from_secs(4)),
        succeeded: 880,
        failed: 20,
    }
}
