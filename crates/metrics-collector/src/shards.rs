//! Who looks at whom. A cluster's instances fall into parts, and each tick every part is taken once, by one replica: a row says which tick it
//! was last taken in. Nobody knows how many replicas there are. Each goes on with the parts it had, so that a tenant's figures stay in one
//! place; what nobody has taken soon after the tick began is anybody's, and so is what was taken and not looked at to the end for some seconds: one
//! that is gone costs its parts a part of one tick. One that has fewer than the others takes some over for the next tick.

use std::time::Duration;

use common::cluster::ClusterId;
use sqlx::PgPool;
use uuid::Uuid;

/// How long a tick is.
pub const TICK: Duration = Duration::from_secs(15);

/// So long after its beginning what was not taken by whoever had it is anybody's.
const LATE: f64 = 3.0;

/// So many seconds after it was taken, what was not looked at to the end is anybody's: whoever took it is gone, or waits for somebody who does not
/// answer. Longer than what anybody is waited for each time ([`crate::ticks`]).
const ABANDONED: f64 = 7.0;

/// Many for each replica, so that they are shared evenly.
pub const SHARDS: i16 = 64;

/// Parts taken at once: what is asked once for all of them is asked four times a tick and not 64, and the samples of a
/// quarter of a cluster are held at a time.
const AT_ONCE: i64 = 16;

/// One replica's hold on parts of a cluster.
#[derive(Debug, Clone)]
pub struct Shards {
    pool: PgPool,
    cluster: ClusterId,
    holder: Uuid,
}

/// Where in a tick the record's clock is: all replicas go by that one.
#[derive(Debug, Clone, Copy, PartialEq, sqlx::FromRow)]
pub struct Now {
    pub tick: i64,
    /// Seconds since its beginning.
    pub into: f64,
}

impl Now {
    /// Whether what was not taken yet is anybody's.
    pub fn is_late(&self) -> bool {
        self.into >= LATE
    }
}

impl Shards {
    /// Of a replica that has none yet.
    pub fn new(pool: PgPool, cluster: ClusterId) -> Self {
        Self { pool, cluster, holder: Uuid::now_v7() }
    }

    /// There are rows to take.
    pub async fn ensure(&self) -> Result<(), sqlx::Error> {
        let ensure = "insert into collector_shards (cluster_id, shard) select $1, generate_series(0, $2 - 1) on conflict do nothing";
        let ensure = sqlx::query(ensure).bind(self.cluster.as_str()).bind(i32::from(SHARDS));
        ensure.execute(&self.pool).await.map(drop)
    }

    /// The present tick.
    pub async fn now(&self) -> Result<Now, sqlx::Error> {
        let now = "select floor(s / $1)::bigint as tick, (s - floor(s / $1) * $1)::float8 as into
                     from (select extract(epoch from clock_timestamp())::float8 as s) at";
        sqlx::query_as(now).bind(TICK.as_secs_f64()).fetch_one(&self.pool).await
    }

    /// Takes more parts for this tick: of its own, or later in the tick of whatever is left.
    pub async fn take(&self, now: Now) -> Result<Vec<i16>, sqlx::Error> {
        let take = "
            with free as materialized (
                select cluster_id, shard from collector_shards
                 where cluster_id = $1 and (tick < $3 and (holder is null or holder = $2 or $4)
                        or tick = $3 and done < $3 and begun < clock_timestamp() - make_interval(secs => $6))
                 order by holder = $2 desc nulls last, shard limit $5 for update skip locked)
            update collector_shards s set tick = $3, holder = $2, begun = clock_timestamp() from free
             where (s.cluster_id, s.shard) = (free.cluster_id, free.shard)
             returning s.shard";
        let take = sqlx::query_scalar(take).bind(self.cluster.as_str()).bind(self.holder).bind(now.tick);
        take.bind(now.is_late()).bind(AT_ONCE).bind(ABANDONED).fetch_all(&self.pool).await
    }

    /// These were looked at to the end in this tick. Has those that nobody else has taken meanwhile.
    pub async fn done(&self, tick: i64, shards: &[i16]) -> Result<Vec<i16>, sqlx::Error> {
        let done = "update collector_shards set done = $3
                     where cluster_id = $1 and holder = $2 and tick = $3 and shard = any ($4) returning shard";
        let done = sqlx::query_scalar(done).bind(self.cluster.as_str()).bind(self.holder).bind(tick);
        done.bind(shards).fetch_all(&self.pool).await
    }

    /// Takes over what is missing to a fair share, from those who have more, of what they have looked at in this tick already.
    pub async fn even_out(&self, tick: i64) -> Result<u64, sqlx::Error> {
        let even_out = "
            with alive as (
                select holder, count(*) as parts from collector_shards
                 where cluster_id = $1 and tick >= $3 - 1 and holder is not null group by holder),
            fair as (
                select $4::int / (count(*) + case when bool_or(holder = $2) then 0 else 1 end) as parts from alive),
            spare as (
                select s.cluster_id, s.shard,
                       row_number() over (partition by s.holder order by s.shard) > fair.parts as is_spare
                  from collector_shards s join alive a on a.holder = s.holder, fair
                 where s.cluster_id = $1 and s.tick = $3 and s.done = $3 and s.holder <> $2 and a.parts > fair.parts),
            wanted as (
                select s.cluster_id, s.shard from collector_shards s
                  join spare p on (p.cluster_id, p.shard) = (s.cluster_id, s.shard) and p.is_spare
                 where s.tick = $3
                 limit greatest((select parts from fair) - coalesce((select parts from alive where holder = $2), 0), 0)
                   for update of s skip locked)
            update collector_shards s set holder = $2 from wanted w where (w.cluster_id, w.shard) = (s.cluster_id, s.shard)";
        let even_out = sqlx::query(even_out).bind(self.cluster.as_str()).bind(self.holder).bind(tick);
        even_out.bind(i32::from(SHARDS)).execute(&self.pool).await.map(|done| done.rows_affected())
    }
}
