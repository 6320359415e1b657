//! From what each instance counted to the record: read again and again, and the same each time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use common::{
    clock,
    error::{Classify, Kind, chain},
    id::TenantId,
    service::Round,
    tenant::HOURS_KEPT,
};
use futures::{StreamExt as _, stream};
use n8n::databases::{DatabaseError, Name};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};

use crate::{
    exposition::Shown,
    store::usage::{self, Source, by_tenant},
    world::World,
};

/// How often an instance's count is read.
pub const EVERY: Duration = Duration::from_secs(60);

/// The same of one that is idle.
const IDLE_EVERY: Duration = Duration::from_secs(600);

/// Databases asked at once.
const AT_ONCE: usize = 4;

/// The first time it is everything that is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long an instance keeps what it counted: a record that was away for less gets every hour of it.
const KEPT_BY_INSTANCES: time::Duration = time::Duration::days(40);

/// What is too old is looked for so often.
const FORGET_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Of whom nothing was read for so long that is told: three times as long as of an idle one.
const OVERDUE: Duration = Duration::from_secs(1800);

/// The rounds of one replica. Each replica reads all of its cluster: twice is as good as once, and it is little.
pub struct Usage {
    world: World,
    shown: Shown,
    forgot: BTreeMap<TenantId, Instant>,
    forgot_hours: Option<Instant>,
}

impl Usage {
    /// Of these tenants. Whose count is overdue is shown there.
    pub const fn new(world: World, shown: Shown) -> Self {
        Self { world, shown, forgot: BTreeMap::new(), forgot_hours: None }
    }

    /// One whose database lasts and cannot be read loses nothing before that has lasted for 40 days, and its figures are old until then.
    async fn show_overdue(&self) -> Result<(), sqlx::Error> {
        let overdue = sqlx::query_as(OVERDUE_SINCE).bind(self.world.cluster.as_str());
        let overdue: Vec<(TenantId, OffsetDateTime)> =
            overdue.bind(OVERDUE.as_secs_f64()).fetch_all(&self.world.record).await?;
        self.shown.put_unread(overdue);
        Ok(())
    }

    async fn forget(&mut self, instance: TenantId) {
        let forgot = self.forgot.get(&instance);
        if forgot.is_some_and(|at| at.elapsed() < FORGET_EVERY) {
            return;
        }
        self.forgot.insert(instance, Instant::now());
        let before = clock::now() - KEPT_BY_INSTANCES;
        let name = Name::of(instance);
        let forget = self.world.executions.forget(&name, before);
        if let Ok(Err(error)) = timeout(PATIENCE, forget).await {
            tracing::debug!(tenant_id = %instance, error = chain(&error), "old executions could not be forgotten");
        }
    }
}

/// Instances whose count is read: `t`, and what is known of each, `u`.
macro_rules! counted {
    () => {
        "from tenants t left join usage_sources u on u.instance_id = t.id
           left join tenant_samples s on s.tenant_id = t.id
          where t.cluster_id = $1 and t.mode = 'dedicated' and t.purpose in ('customer', 'shared') and t.status not in ('provisioning', 'failed', 'deleted')
            and not exists (select from external_n8ns x where x.tenant_id = t.id)"
    };
}

/// Instances whose count may have changed: those that are there and the platform's, but copies of which everything was counted where it ran. Of one that has run nothing for a quarter of an hour, as its
/// sample says, only what was run by hand and fast can be new: it is read all the same, and seldom.
const DUE: &str = concat!(
    "select t.id ",
    counted!(),
    " and coalesce(u.read_at, '-infinity') < now() - make_interval(secs => case
            when s.executions_min = 0 and s.concurrent_executions = 0 and s.queue_depth = 0 and s.success_rate_percent is null
            then $3 else $2 end)
      order by u.read_at nulls first"
);

/// Those whose count should have been read, and when it last was. What is being removed is counted by whoever removes it.
const OVERDUE_SINCE: &str = concat!(
    "select t.id, coalesce(u.read_at, t.created_at) ",
    counted!(),
    " and t.status <> 'deleting' and coalesce(u.read_at, t.created_at) < now() - make_interval(secs => $2)"
);

async fn due(pool: &PgPool, cluster: &str) -> Result<Vec<TenantId>, sqlx::Error> {
    let since = |every: Duration| every.as_secs_f64() - 5.0;
    let due = sqlx::query_scalar(DUE).bind(cluster).bind(since(EVERY)).bind(since(IDLE_EVERY));
    due.fetch_all(pool).await
}

/// Reads one instance's count.
pub async fn read(world: &World, instance: TenantId) -> Result<usize, ReadError> {
    let Source { before, is_shared } = usage::source(&world.record, instance).await?;
    let name = Name::of(instance);
    let mut metered = in_time(world.executions.hours(&name, before.map(|(_, until)| until))).await?;
    // Another copy than the one that was read before: all of it is new.
    if before.is_some_and(|(source, _)| source != metered.source) {
        metered = in_time(world.executions.hours(&name, None)).await?;
    }
    // Who has joined since is among those whose executions were read.
    let members = if is_shared { usage::members(&world.record, instance).await? } else { HashMap::new() };
    let whose =
        |project: Option<&str>| if is_shared { members.get(project?).copied() } else { Some(instance) };
    let hours = by_tenant(&metered, whose);
    usage::count(&world.record, instance, &metered, &hours).await?;
    Ok(hours.len())
}

/// The same before its database goes. Of one that is gone there is nothing to count.
pub async fn count_last(world: &World, instance: TenantId) -> Result<(), ReadError> {
    match read(world, instance).await {
        Ok(_) | Err(ReadError::Instance(DatabaseError::NoDatabase(_))) => Ok(()),
        Err(error) => {
            tracing::warn!(tenant_id = %instance, error = chain(&error), "the last of what an instance ran was not counted");
            Err(error)
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, DatabaseError>>) -> Result<T, ReadError> {
    Ok(timeout(PATIENCE, asked).await.map_err(|_| ReadError::Late)??)
}

/// Why a count was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the record does not answer")]
    Record(#[from] sqlx::Error),
    #[error("the instance's database does not answer")]
    Instance(#[from] DatabaseError),
    #[error("the instance's database did not answer in time")]
    Late,
}

impl Classify for ReadError {
    fn kind(&self) -> Kind {
        match self {
            Self::Record(error) => error.kind(),
            Self::Instance(error) => error.kind(),
            Self::Late => Kind::Timeout,
        }
    }
}

impl Round for Usage {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        let due = due(&self.world.record, self.world.cluster.as_str()).await?;
        let world = &self.world;
        let read: Vec<_> =
            due.into_iter().map(|instance| async move { (instance, read(world, instance).await) }).collect();
        let read: Vec<_> = stream::iter(read).buffer_unordered(AT_ONCE).collect().await;
        for (instance, outcome) in read {
            match outcome {
                Ok(_) => self.forget(instance).await,
                Err(error) => {
                    tracing::debug!(tenant_id = %instance, error = chain(&error), "an instance's count was not read");
                }
            }
        }
        self.show_overdue().await?;
        if self.forgot_hours.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
            usage::forget(&self.world.record, clock::now() - HOURS_KEPT).await?;
            self.forgot_hours = Some(Instant::now());
        }
        Ok(())
    }
}
