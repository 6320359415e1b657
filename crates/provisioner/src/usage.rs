//! What tenants take of what cannot be bounded for one of them: the database server's disk, and Redis' memory.
//!
//! Neither server has a quota for that, and taking writes away from a tenant would keep its queue from ever getting shorter. So who
//! takes too much is named, once each time it begins, and counted for an alarm; what keeps the others alive is in `docs/limits.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use common::{
    clock,
    error::Kind,
    id::TenantId,
    operations::StepError,
    service::{Interval, Round, Service},
};
use metrics::{Unit, describe_gauge, gauge};
use n8n::queues::QueueUsage;
use sqlx::PgPool;

use crate::{World, store::tenants};

const EVERY: Duration = Duration::from_secs(300);

/// Neither server needs as long to be measured: going through all keys of a full Redis takes seconds.
const LIMIT: Duration = Duration::from_secs(120);

/// More of Redis' memory than this is too much for one tenant.
const SHARE: f64 = 0.25;

const OVER_STORAGE: &str = "rp9_tenants_over_storage";
const OVER_MEMORY: &str = "rp9_tenants_over_queue_memory";
const DATABASES: &str = "rp9_tenant_databases_bytes";
const QUEUES: &str = "rp9_queue_memory_ratio";
const MEASURED: &str = "rp9_usage_measured_timestamp_seconds";

/// Those who take more than is theirs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Excess {
    /// Of the database server's disk: more than their plan's storage.
    pub storage: BTreeSet<TenantId>,
    /// Of Redis' memory.
    pub memory: BTreeSet<TenantId>,
}

/// Looks for as long as the service runs.
pub fn spawn(service: &Service, world: Arc<World>) {
    describe_gauge!(OVER_STORAGE, "Tenants whose database takes more than their plan's storage.");
    describe_gauge!(OVER_MEMORY, "Tenants whose queue takes more than a quarter of Redis' memory.");
    describe_gauge!(DATABASES, Unit::Bytes, "What all tenants' databases take together.");
    describe_gauge!(MEASURED, Unit::Seconds, "When this was last measured, by what.");
    describe_gauge!(QUEUES, "How much of Redis' memory is used, from 0 to 1.");
    let looks = Interval::new("usage", EVERY).failing("what tenants use could not be measured");
    service.every(looks, Looking { pool: service.database.clone(), world, known: Excess::default() });
}

struct Looking {
    pool: PgPool,
    world: Arc<World>,
    known: Excess,
}

/// Part of the world did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unmeasured(String);

impl Round for Looking {
    type Error = Unmeasured;

    async fn run(&mut self) -> Result<(), Unmeasured> {
        match look(&self.pool, &self.world).await {
            Ok(excess) => {
                tell(&self.known, &excess);
                self.known = excess;
                Ok(())
            }
            Err(StepError::Failed { cause, .. }) => Err(Unmeasured(cause)),
            // Nothing here is a step.
            Err(StepError::LeaseLost | StepError::Stopped | StepError::Later(_)) => Ok(()),
        }
    }
}

/// Measures once: each server by itself, so that one that is away leaves the other's figures as they are to be.
pub async fn look(pool: &PgPool, world: &World) -> Result<Excess, StepError> {
    let (storage, memory) = tokio::join!(in_time(databases(pool, world)), in_time(queues(world)));
    Ok(Excess { storage: storage?, memory: memory? })
}

async fn databases(pool: &PgPool, world: &World) -> Result<BTreeSet<TenantId>, StepError> {
    let allowed = tenants::storage(pool, world.site.cluster.as_str()).await?.into_iter().collect();
    let sizes = world.databases.sizes().await?;
    gauge!(DATABASES).set(sizes.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>());
    let over = over_storage(&allowed, sizes.into_iter().map(|(name, bytes)| (name.tenant(), bytes)));
    gauge!(OVER_STORAGE).set(over.len() as f64);
    measured("databases");
    Ok(over)
}

async fn queues(world: &World) -> Result<BTreeSet<TenantId>, StepError> {
    let usage = world.queues.usage().await?;
    if usage.most > 0 {
        gauge!(QUEUES).set(usage.used as f64 / usage.most as f64);
    }
    let over = over_memory(&usage);
    gauge!(OVER_MEMORY).set(over.len() as f64);
    measured("queues");
    Ok(over)
}

fn measured(what: &'static str) {
    gauge!(MEASURED, "what" => what).set(clock::now().unix_timestamp() as f64);
}

async fn in_time<T>(measures: impl Future<Output = Result<T, StepError>>) -> Result<T, StepError> {
    let late = || StepError::failed(Kind::Timeout, "there was no answer in time");
    tokio::time::timeout(LIMIT, measures).await.unwrap_or_else(|_| Err(late()))
}

fn over_storage(
    allowed: &BTreeMap<TenantId, u64>,
    sizes: impl Iterator<Item = (TenantId, u64)>,
) -> BTreeSet<TenantId> {
    let over = sizes.filter(|(tenant, bytes)| allowed.get(tenant).is_some_and(|allowed| bytes > allowed));
    over.map(|(tenant, _)| tenant).collect()
}

fn over_memory(usage: &QueueUsage) -> BTreeSet<TenantId> {
    // Without a bound there is nothing to have a share of.
    let share = usage.most as f64 * SHARE;
    let over = usage.tenants.iter().filter(|(_, bytes)| usage.most > 0 && **bytes as f64 > share);
    over.map(|(tenant, _)| *tenant).collect()
}

/// Names those who were not known to.
fn tell(known: &Excess, excess: &Excess) {
    for tenant in excess.storage.difference(&known.storage) {
        tracing::warn!(tenant_id = %tenant, "the tenant's database takes more than its plan's storage");
    }
    for tenant in excess.memory.difference(&known.memory) {
        tracing::warn!(tenant_id = %tenant, "the tenant's queue takes more than a quarter of Redis' memory");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_never_measured_is_given_up() {
        let begun = tokio::time::Instant::now();
        let never = in_time(std::future::pending::<Result<(), StepError>>()).await;
        assert!(matches!(never, Err(StepError::Failed { kind: Kind::Timeout, .. })));
        assert_eq!(begun.elapsed(), LIMIT);
    }

    #[test]
    fn who_takes_more_than_is_theirs_is_named_and_nobody_else() {
        let [a, b, c] = [(); 3].map(|()| TenantId::generate());
        let allowed = BTreeMap::from([(a, 10), (b, 10)]);
        // One that the record does not know is the reconciler's.
        assert_eq!(over_storage(&allowed, [(a, 10), (b, 11), (c, 99)].into_iter()), BTreeSet::from([b]));
        let usage = |most| QueueUsage { used: 60, most, tenants: BTreeMap::from([(a, 25), (b, 26)]) };
        assert_eq!(over_memory(&usage(100)), BTreeSet::from([b]));
        assert!(over_memory(&usage(0)).is_empty());
    }
}
