//! Schedules of tenants and clusters, made, changed and removed while services run.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use async_trait::async_trait;
use common::{
    id::TenantId,
    schedules::{Firing, Job, JobError, Misses, Runner, Schedule, ScheduleStore, Subject},
};
use serde_json::json;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::support::{Hands, ask, fired, run_all, schedule};

/// The evening before clocks change in Europe.
const EVENING: OffsetDateTime = datetime!(2026-03-28 12:00 UTC);
const SERVICE: &str = "backup";

/// A job that notes what it is told.
#[derive(Clone, Default)]
struct Backup(Arc<Mutex<Vec<Firing>>>);

#[async_trait]
impl Job for Backup {
    fn name(&self) -> &'static str {
        SERVICE
    }

    async fn run(&self, firing: &Firing) -> Result<(), JobError> {
        self.0.lock().unwrap().push(firing.clone());
        Ok(())
    }
}

/// A service that backs tenants up, and its hands on the clock.
struct Service {
    store: ScheduleStore,
    runner: Runner,
    hands: Hands,
    backup: Backup,
}

impl Service {
    fn new(pool: &PgPool) -> Self {
        let (hands, backup) = (Hands::at(EVENING), Backup::default());
        let store = ScheduleStore::new(pool.clone()).with_clock(hands.clock());
        let runner = Runner::new(store.clone(), SERVICE, &[], vec![Box::new(backup.clone())]).unwrap();
        Self { store, runner, hands, backup }
    }

    async fn ensure(&self, schedule: &Schedule) {
        self.store.ensure(SERVICE, schedule).await.unwrap();
    }

    /// Looks at this moment, and runs what fires.
    async fn look(&self, at: OffsetDateTime) {
        self.hands.set(at);
        self.runner.fire_due().await.unwrap();
        run_all(&self.runner).await;
    }
}

async fn tenant(pool: &PgPool) -> TenantId {
    let id = TenantId::generate();
    let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                  values ($1, 'n', 'e', $2, 'dedicated', 'active', 'pro', '2.41.1')";
    sqlx::query(insert).bind(id).bind(id.digits()).execute(pool).await.unwrap();
    id
}

/// At two in the morning on the clocks of this zone.
fn nightly(tenant: TenantId, zone: &str) -> Schedule {
    let nightly = Schedule::new("backup.nightly", SERVICE, "0 2 * * *", Misses::CatchUp);
    nightly.of(Subject::Tenant(tenant)).on_clocks_of(zone)
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn every_tenant_has_two_o_clock_of_its_own(pool: PgPool) {
    let service = Service::new(&pool);
    let zones = [
        // Two o'clock does not exist in this night: the first moment that does.
        ("Europe/Berlin", datetime!(2026-03-29 01:00 UTC)),
        ("America/New_York", datetime!(2026-03-29 06:00 UTC)),
        ("Asia/Kolkata", datetime!(2026-03-28 20:30 UTC)),
        ("Asia/Tokyo", datetime!(2026-03-28 17:00 UTC)),
    ];
    let mut expected = Vec::new();
    for (zone, due_at) in zones {
        let tenant = tenant(&pool).await;
        service.ensure(&nightly(tenant, zone).with_payload(json!({ "keep": zone }))).await;
        expected.push((due_at, tenant, zone));
    }
    for half_hour in 1..=44 {
        service.look(EVENING + Duration::minutes(30) * half_hour).await;
    }
    expected.sort();
    let ran = service.backup.0.lock().unwrap().clone();
    let ran: Vec<_> =
        ran.iter().map(|firing| (firing.due_at, firing.subject.clone(), firing.payload.clone())).collect();
    let expected: Vec<_> = expected.into_iter().collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(due_at, tenant, zone)| (due_at, Subject::Tenant(tenant), json!({ "keep": zone })))
        .collect();
    assert_eq!(ran, expected);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn they_are_made_changed_and_removed_while_services_run(pool: PgPool) {
    let service = Service::new(&pool);
    let tokyo = nightly(tenant(&pool).await, "Asia/Tokyo");
    service.ensure(&tokyo).await;
    let version = "select xmin::text || ' ' || ctid::text from schedules";
    let before: String = ask(&pool, version).await;
    service.ensure(&tokyo).await;
    assert_eq!(ask::<String>(&pool, version).await, before, "what is so already is not written");

    // Whatever the service declares in its code, those of subjects are none of it.
    service.runner.declare().await.unwrap();
    assert_eq!(ask::<i64>(&pool, "select count(*) from schedules where retired_at is not null").await, 0);

    // Another payload goes on where it is; another zone counts from now on.
    service.look(datetime!(2026-03-28 17:00 UTC)).await;
    service.ensure(&tokyo.clone().with_payload(json!(7))).await;
    assert_eq!(
        ask::<OffsetDateTime>(&pool, "select next_due from schedules").await,
        datetime!(2026-03-29 17:00 UTC)
    );
    let kolkata = tokyo.clone().with_payload(json!(7)).on_clocks_of("Asia/Kolkata");
    service.ensure(&kolkata).await;
    service.look(datetime!(2026-03-28 20:30 UTC)).await;
    assert_eq!(
        fired(&pool, &tokyo.name).await,
        [datetime!(2026-03-28 17:00 UTC), datetime!(2026-03-28 20:30 UTC)]
    );
    assert_eq!(service.backup.0.lock().unwrap().last().unwrap().payload, json!(7));

    // Removed, it rests, also for what had fired and was not begun; made again, it catches nothing up. Removing it twice is as good.
    service.hands.set(datetime!(2026-03-29 20:30 UTC));
    assert_eq!(service.runner.fire_due().await.unwrap(), 1);
    for _ in 0..2 {
        service.store.remove(SERVICE, &kolkata.name).await.unwrap();
    }
    service.look(datetime!(2026-03-31 12:00 UTC)).await;
    assert_eq!(service.backup.0.lock().unwrap().len(), 2);
    service.ensure(&kolkata).await;
    service.look(datetime!(2026-03-31 12:00 UTC)).await;
    assert_eq!(fired(&pool, &kolkata.name).await.len(), 3);

    // Another service's schedules are not ours to remove.
    service.store.remove("other", &kolkata.name).await.unwrap();
    service.look(datetime!(2026-03-31 20:30 UTC)).await;
    assert_eq!(fired(&pool, &kolkata.name).await.len(), 4);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_that_is_gone_has_no_schedules(pool: PgPool) {
    let service = Service::new(&pool);
    let (gone, there) = (tenant(&pool).await, tenant(&pool).await);
    for tenant in [gone, there] {
        service.ensure(&nightly(tenant, "Asia/Tokyo")).await;
    }
    let delete = "update tenants set status = 'deleted' where id = $1";
    sqlx::query(delete).bind(gone).execute(&pool).await.unwrap();
    service.look(datetime!(2026-03-28 17:00 UTC)).await;
    let ran: Vec<_> = service.backup.0.lock().unwrap().iter().map(|firing| firing.subject.clone()).collect();
    assert_eq!(ran, [Subject::Tenant(there)]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_cannot_be_planned_is_not_made(pool: PgPool) {
    let service = Service::new(&pool);
    let nightly = nightly(TenantId::generate(), "Asia/Tokyo");
    for wrong in [
        nightly.clone().on_clocks_of("Mars/Olympus"),
        nightly.clone().with_jitter(3_601),
        schedule("Not A Name", "0 2 * * *", Misses::Skip),
        schedule("never", "0 0 30 2 *", Misses::Skip),
    ] {
        assert!(service.store.ensure(SERVICE, &wrong).await.is_err(), "{wrong:?}");
    }
    assert_eq!(ask::<i64>(&pool, "select count(*) from schedules").await, 0);
}

/// All at one moment, the worst of days. What it took is printed, not asserted: a busy machine is no mistake of ours.
#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn thousands_of_one_moment_fire_once_each(pool: PgPool) {
    const MANY: usize = 2_000;
    let service = Service::new(&pool);
    let begun = Instant::now();
    for number in 0..MANY {
        let nightly = Schedule::new("backup.nightly", SERVICE, "0 2 * * *", Misses::CatchUp);
        let cluster = Subject::Cluster(format!("cluster-{number}"));
        service.ensure(&nightly.of(cluster).on_clocks_of("Asia/Tokyo")).await;
    }
    let (made, begun) = (begun.elapsed(), Instant::now());
    for _ in 0..100 {
        assert_eq!(service.runner.fire_due().await.unwrap(), 0);
    }
    let (looked, begun) = (begun.elapsed() / 100, Instant::now());
    service.hands.set(datetime!(2026-03-28 17:00 UTC));
    assert_eq!(service.runner.fire_due().await.unwrap(), MANY as u64);
    let (decided, begun) = (begun.elapsed(), Instant::now());
    run_all(&service.runner).await;
    let ran = begun.elapsed();
    println!(
        "{MANY} schedules: made in {made:.1?}, a look {looked:.1?}, decided in {decided:.1?}, run in {ran:.1?}"
    );
    assert_eq!(service.backup.0.lock().unwrap().len(), MANY);
    let done = "select count(*) from schedule_firings where state = 'done' and attempts = 1";
    assert_eq!(ask::<i64>(&pool, done).await, MANY as i64);
}
