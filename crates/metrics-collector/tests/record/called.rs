//! How often tenants were called, and what they store.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use common::{
    clock, cluster::ClusterId, database::MIGRATOR, id::TenantId, service::Round as _, tenant::Color,
};
use edge::calls::{Answers, CallCounters, CountersError, Reading, SideService, Way};
use metrics_collector::{
    calls::find,
    measures::{Calls, Storage},
    store::measures::{before, count},
};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::support::{CLUSTER, Fakes};

/// An edge that has counted this. `None`: it does not answer.
#[derive(Clone, Default)]
struct Counted(Arc<Mutex<Option<Reading>>>);

#[async_trait]
impl CallCounters for Counted {
    async fn read(&self) -> Result<Reading, CountersError> {
        self.0.lock().unwrap().clone().ok_or(CountersError::Refused(401))
    }
}

/// A record with an edge, and who reads it.
struct Edge {
    pool: PgPool,
    counted: Counted,
    began: OffsetDateTime,
}

fn cluster() -> ClusterId {
    CLUSTER.parse().unwrap()
}

fn reading(began: OffsetDateTime, said: &[(&str, &str, u64)]) -> Reading {
    let way = |router: &str, service: &str| Way {
        router: format!("{router}@http"),
        service: format!("{service}@http"),
    };
    let calls = said.iter().map(|(router, service, calls)| (way(router, service), *calls)).collect();
    Reading { started_at: began, calls, sides: BTreeMap::new() }
}

impl Edge {
    fn of(pool: &PgPool) -> Self {
        let began = clock::now() - Duration::MINUTE;
        // As much as the record keeps of it.
        let began = began.replace_nanosecond(0).unwrap();
        Self { pool: pool.clone(), counted: Counted::default(), began }
    }

    fn says(&self, said: &[(&str, &str, u64)]) {
        *self.counted.0.lock().unwrap() = Some(reading(self.began, said));
    }

    fn replica(&self) -> Calls {
        Calls::new(self.pool.clone(), cluster(), Arc::new(self.counted.clone()))
    }

    /// A replica reads, some time after the reading before.
    async fn is_read(&self) {
        self.ago("20 seconds").await;
        self.replica().run().await.unwrap();
    }

    async fn ago(&self, interval: &str) {
        let ago = "update edge_readings set read_at = now() - $1::interval";
        sqlx::query(ago).bind(interval).execute(&self.pool).await.unwrap();
    }

    async fn route(&self, host: &str, tenant: TenantId) {
        let route = "insert into routes (host, tenant_id, targets, generation) values ($1, $2, '[]', 1)
                     on conflict (host) do update set tenant_id = excluded.tenant_id";
        sqlx::query(route).bind(host).bind(tenant).execute(&self.pool).await.unwrap();
    }

    /// Of this tenant, as the hours add up to, which the months say too.
    async fn calls(&self, tenant: TenantId) -> i64 {
        let sum =
            |table| format!("select coalesce(sum(api_calls), 0)::bigint from {table} where tenant_id = $1");
        let mut sums = Vec::new();
        for table in ["usage_measures_hourly", "usage_measures_monthly"] {
            let sum = sqlx::query_scalar(sqlx::AssertSqlSafe(sum(table))).bind(tenant);
            sums.push(sum.fetch_one(&self.pool).await.unwrap());
        }
        assert_eq!(sums[0], sums[1]);
        sums[0]
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn each_call_is_counted_once_for_whose_host_it_was_whoever_reads(pool: PgPool) {
    let (fakes, edge) = (Fakes::new(&pool).await, Edge::of(&pool));
    let (own, shared) = (fakes.dedicated().await, fakes.shared().await);
    let member = fakes.member(shared, "projectNumber001").await;
    for (host, tenant) in
        [("own.x", own), ("flows.own.example", own), ("member.x", member), ("shared.x", shared)]
    {
        edge.route(host, tenant).await;
    }
    let said = [
        ("own.x", "own.x", 10),
        ("flows.own.example", "own.x", 3),
        ("member.x", "shared.x", 4),
        ("member.x_webhooks", "shared.x", 5),
        ("shared.x", "shared.x", 100),
        ("nobody.x", "nobody.x", 7),
    ];
    edge.says(&said);
    for _ in 0..3 {
        edge.is_read().await;
    }
    assert_eq!((edge.calls(own).await, edge.calls(member).await), (13, 9));
    assert_eq!(edge.calls(shared).await, 0, "the platform's own are counted for nobody");

    // Nobody's calls stay nobody's when their host is somebody's.
    edge.route("nobody.x", member).await;
    edge.says(&said.map(|(router, service, calls)| (router, service, calls + 1)));
    edge.is_read().await;
    assert_eq!((edge.calls(own).await, edge.calls(member).await), (15, 12));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_each_side_answered_is_noted_of_those_with_two_and_forgotten_after_a_while(pool: PgPool) {
    let (fakes, edge) = (Fakes::new(&pool).await, Edge::of(&pool));
    let (two, one) = (fakes.dedicated().await, fakes.dedicated().await);
    edge.route("two.x", two).await;
    edge.route("one.x", one).await;
    let second =
        sqlx::query("update tenants set second_version = '2.41.1', second_weight = 10 where id = $1");
    second.bind(two).execute(&pool).await.unwrap();
    let side = |host: &str, color, webhooks| SideService { host: host.parse().unwrap(), color, webhooks };
    let answers = |calls| Answers { calls, failed: 1, within: vec![(0.1, calls)] };
    let sides = [
        (side("two.x", Color::Blue, true), answers(90)),
        (side("two.x", Color::Blue, false), answers(500)),
        (side("two.x", Color::Green, true), answers(10)),
        (side("one.x", Color::Blue, false), answers(7)),
        (side("nobody.x", Color::Blue, false), answers(8)),
    ];
    *edge.counted.0.lock().unwrap() = Some(Reading { sides: sides.into(), ..reading(edge.began, &[]) });
    edge.is_read().await;
    let noted = "select tenant_id, color, webhooks, (answers ->> 'calls')::bigint, started_at from side_readings order by color, webhooks";
    let noted = || sqlx::query_as::<_, (TenantId, String, bool, i64, OffsetDateTime)>(noted).fetch_all(&pool);
    let expected = [("blue", false, 500), ("blue", true, 90), ("green", true, 10)]
        .map(|(color, webhooks, calls)| (two, color.to_owned(), webhooks, calls, edge.began));
    assert_eq!(noted().await.unwrap(), expected);
    // The next reading finds these old, and notes as many.
    let old = "update side_readings set read_at = now() - interval '31 minutes'";
    sqlx::query(old).execute(&pool).await.unwrap();
    edge.is_read().await;
    assert_eq!(noted().await.unwrap(), expected);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_edge_that_begins_anew_or_is_away_loses_nothing_that_was_read(pool: PgPool) {
    let (fakes, mut edge) = (Fakes::new(&pool).await, Edge::of(&pool));
    let own = fakes.dedicated().await;
    edge.route("own.x", own).await;
    edge.says(&[("own.x", "own.x", 10)]);
    edge.is_read().await;
    // Away: nothing is known, and nothing changes.
    *edge.counted.0.lock().unwrap() = None;
    edge.ago("20 seconds").await;
    assert!(edge.replica().run().await.is_err());
    assert_eq!(edge.calls(own).await, 10);
    // Another process, which has counted more than the one before it already.
    edge.began += Duration::seconds(55);
    edge.says(&[("own.x", "own.x", 12)]);
    edge.is_read().await;
    assert_eq!(edge.calls(own).await, 22);
    // A tenant that rests and wakes up; its counter begins anew.
    edge.says(&[]);
    edge.is_read().await;
    edge.says(&[("own.x", "own.x", 30)]);
    edge.is_read().await;
    assert_eq!(edge.calls(own).await, 52);
    edge.says(&[("own.x", "own.x", 1)]);
    edge.is_read().await;
    assert_eq!(edge.calls(own).await, 53);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn of_readings_at_once_one_is_counted_and_one_that_was_overtaken_is_not(pool: PgPool) {
    let (fakes, edge) = (Fakes::new(&pool).await, Edge::of(&pool));
    let own = fakes.dedicated().await;
    edge.route("own.x", own).await;
    // It asks the record, then the edge, and is held up.
    let slow = before(&pool, &cluster()).await.unwrap();
    let early = reading(edge.began, &[("own.x", "own.x", 5)]);
    edge.says(&[("own.x", "own.x", 8)]);
    let read = (0..10).map(|_| async { edge.replica().run().await });
    let read = futures::future::join_all(read).await;
    assert!(read.iter().all(Result::is_ok), "{read:?}");
    assert_eq!(edge.calls(own).await, 8);
    let found = find(slow.known.as_ref(), &early, slow.now);
    assert!(!count(&pool, &cluster(), &slow, &early, &found).await.unwrap());
    assert_eq!(edge.calls(own).await, 8);
    // The same again, of an edge that was read before.
    edge.ago("20 seconds").await;
    let slow = before(&pool, &cluster()).await.unwrap();
    edge.says(&[("own.x", "own.x", 20)]);
    edge.is_read().await;
    let late = reading(edge.began, &[("own.x", "own.x", 9)]);
    let found = find(slow.known.as_ref(), &late, slow.now);
    assert!(!count(&pool, &cluster(), &slow, &late, &found).await.unwrap());
    edge.is_read().await;
    assert_eq!(edge.calls(own).await, 20);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_called_while_no_collector_was_there_is_spread_over_that_time(pool: PgPool) {
    let (fakes, edge) = (Fakes::new(&pool).await, Edge::of(&pool));
    let own = fakes.dedicated().await;
    edge.route("own.x", own).await;
    edge.says(&[("own.x", "own.x", 1)]);
    edge.is_read().await;
    edge.ago("10 hours").await;
    edge.says(&[("own.x", "own.x", 1001)]);
    edge.replica().run().await.unwrap();
    assert_eq!(edge.calls(own).await, 1001);
    let most = "select max(api_calls), count(*) from usage_measures_hourly where tenant_id = $1";
    let (most, hours): (i64, i64) = sqlx::query_as(most).bind(own).fetch_one(&pool).await.unwrap();
    assert!((100..=102).contains(&most) && (10..=11).contains(&hours), "{most} in one of {hours} hours");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_hour_has_the_most_that_was_stored_in_it_and_a_month_the_sum_of_its_hours(pool: PgPool) {
    let fakes = Fakes::new(&pool).await;
    let (own, other, shared) = (fakes.dedicated().await, fakes.dedicated().await, fakes.shared().await);
    let sampled = async |tenant: TenantId, bytes: Option<i64>| {
        let sample = "insert into tenant_samples as known (tenant_id, cluster_id, at, storage_bytes) values ($1, $2, now(), $3)
                      on conflict (tenant_id) do update set storage_bytes = excluded.storage_bytes, at = excluded.at";
        sqlx::query(sample).bind(tenant).bind(CLUSTER).bind(bytes).execute(&pool).await.unwrap();
    };
    let measured = async || {
        let all = futures::future::join_all(
            (0..5).map(|_| async { Storage::new(pool.clone(), cluster()).run().await }),
        );
        assert!(all.await.iter().all(Result::is_ok));
    };
    sampled(shared, Some(7)).await;
    sampled(other, None).await;
    for bytes in [100, 300, 200] {
        sampled(own, Some(bytes)).await;
        measured().await;
    }
    let rows = "select tenant_id, storage_bytes from usage_measures_hourly";
    let rows: Vec<(TenantId, Option<i64>)> = sqlx::query_as(rows).fetch_all(&pool).await.unwrap();
    assert_eq!(rows, [(own, Some(300))], "of those whose storage was seen, and who are customers");

    // Another hour of the same month, which had calls before anybody measured.
    let former = "update usage_measures_hourly set hour = hour + interval '1 hour' * case when extract(day from hour) > 15 then -1 else 1 end";
    sqlx::query(former).execute(&pool).await.unwrap();
    let called = "insert into usage_measures_hourly (tenant_id, hour, api_calls) values ($1, date_trunc('hour', now(), 'UTC'), 4)";
    sqlx::query(called).bind(own).execute(&pool).await.unwrap();
    sampled(own, Some(50)).await;
    measured().await;
    let month =
        "select storage_byte_hours::bigint, storage_hours from usage_measures_monthly where tenant_id = $1";
    let month: (i64, i32) = sqlx::query_as(month).bind(own).fetch_one(&pool).await.unwrap();
    assert_eq!(month, (350, 2));
    // Nobody has looked for a while.
    sqlx::query("update tenant_samples set at = now() - interval '2 minutes', storage_bytes = 900")
        .execute(&pool)
        .await
        .unwrap();
    measured().await;
    let hours = "select hour, storage_bytes from usage_measures_hourly where tenant_id = $1";
    let hours: Vec<(OffsetDateTime, Option<i64>)> =
        sqlx::query_as(hours).bind(own).fetch_all(&pool).await.unwrap();
    let bytes: BTreeMap<_, _> = hours.into_iter().map(|(hour, bytes)| (bytes, hour)).collect();
    assert_eq!(bytes.keys().copied().collect::<Vec<_>>(), [Some(50), Some(300)]);
}
