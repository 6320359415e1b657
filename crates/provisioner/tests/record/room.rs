//! What a cluster has, and what it cannot give.

use common::{database::MIGRATOR, operations::End};
use engine::Capacity;
use n8n::databases::Name;
use provisioner::{CreateTenant, ScaleTenant, heartbeat};
use sqlx::PgPool;
use wire::kinds::TenantScale;

use crate::support::Fakes;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_plans_connections_are_those_that_its_role_may_open(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let plans: Vec<(String, i32)> =
        sqlx::query_as("select name, connections from plans").fetch_all(&pool).await.unwrap();
    assert!(!plans.is_empty());
    for (plan, connections) in plans {
        let tenant = fakes.accept(&plan).await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        let (_, limit) = fakes.databases.role(&Name::of(tenant)).unwrap();
        assert_eq!(i32::from(limit), connections, "{plan}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_plan_that_this_engine_cannot_run_fails_before_anything_is_made(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.containers.set_capacity(Capacity { cpu_millis: 2000, memory_mb: 8192 });
    let tenant = fakes.accept("enterprise").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::RolledBack);
    fakes.assert_gone(tenant, "failed").await;
    assert_eq!(fakes.containers.ledger(), []);
    let failure = "select failure from tenants where id = $1";
    let failure: String = sqlx::query_scalar(failure).bind(tenant).fetch_one(&pool).await.unwrap();
    assert!(failure.contains("4000") && failure.contains("2000"), "{failure}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn each_heartbeat_tells_what_there_is_and_what_tenants_have(pool: PgPool) {
    type Row = (Option<i32>, Option<i32>, Option<i64>, Option<i64>);
    let fakes = Fakes::new(&pool);
    let (world, room) = (fakes.world("heartbeat"), async || -> Row {
        let room = "select cpu_millis, memory_mb, connections, subnets from cluster_room()";
        sqlx::query_as(room).fetch_one(&pool).await.unwrap()
    });
    fakes.databases.set_unreachable(true);
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    assert_eq!(room().await.2, None, "nobody knows yet");

    fakes.databases.set_unreachable(false);
    fakes.databases.set_connections(397);
    fakes.containers.set_capacity(Capacity { cpu_millis: 8000, memory_mb: 16_384 });
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    // A /16 has 4096 cuts, one of which is the platform's.
    assert_eq!(room().await, (Some(8000), Some(16_384), Some(297), Some(4095)));

    fakes.accept("starter").await;
    assert_eq!(room().await, (Some(8000), Some(16_384), Some(282), Some(4094)), "counted at once");
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    assert_eq!(room().await, (Some(8000), Some(16_384), Some(282), Some(4094)), "and not twice");

    fakes.databases.set_unreachable(true);
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    assert_eq!(room().await.2, Some(282), "what was known stays");

    fakes.containers.set_unmeasurable();
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    let docker = async || -> String {
        let docker = "select dependencies ->> 'docker' from clusters";
        sqlx::query_scalar(docker).fetch_one(&pool).await.unwrap()
    };
    assert_eq!((docker().await.as_str(), room().await.0), ("up", Some(8000)), "it answers");
    fakes.containers.set_unreachable(true);
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    assert_eq!(docker().await, "down");
}

/// How many connections the cluster says that its tenants may open.
async fn committed(fakes: &Fakes) -> i32 {
    let world = fakes.world("heartbeat");
    heartbeat::beat(&fakes.pool, &world, &world.site, false).await.unwrap();
    let committed = "select connections_committed from clusters where id = $1";
    sqlx::query_scalar(committed).bind(fakes.cluster).fetch_one(&fakes.pool).await.unwrap()
}

async fn scale(fakes: &Fakes, tenant: common::id::TenantId, workers: u32) -> End {
    fakes.operate(tenant, &TenantScale { workers: Some(workers), ..TenantScale::default() }).await;
    fakes.run(&ScaleTenant).await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_scaled_workers_may_open_is_counted_and_given_back(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.databases.set_connections(1000);
    let tenant = fakes.accept("enterprise").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    for (workers, connections) in [(4, 32), (8, 52), (2, 22)] {
        assert_eq!(scale(&fakes, tenant, workers).await, End::Succeeded);
        let (_, limit) = fakes.databases.role(&Name::of(tenant)).unwrap();
        assert_eq!(i32::from(limit), connections, "{workers} workers");
        assert_eq!(committed(&fakes).await, connections, "{workers} workers");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn more_workers_than_the_database_server_has_connections_for_are_refused_over_the_bus_too(
    pool: PgPool,
) {
    let fakes = Fakes::new(&pool);
    // The platform's hundred, two of `pro`, and one more worker of three connections.
    fakes.databases.set_connections(100 + 2 * 18 + 3);
    let [one, two] = [fakes.accept("pro").await, fakes.accept("pro").await];
    for _ in [one, two] {
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    }
    assert_eq!(committed(&fakes).await, 36);
    assert_eq!(scale(&fakes, one, 3).await, End::Succeeded);
    assert_eq!(scale(&fakes, two, 3).await, End::RolledBack);
    let (_, limit) = fakes.databases.role(&Name::of(two)).unwrap();
    assert_eq!((limit, committed(&fakes).await), (18, 39));
    assert_eq!(scale(&fakes, one, 1).await, End::Succeeded);
    assert_eq!(scale(&fakes, two, 3).await, End::Succeeded, "there is room again");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn no_plan_offers_more_workers_than_a_network_holds(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let raise = "update plans set ceiling_percent = 300 where name = 'enterprise'";
    let refused = sqlx::query(raise).execute(&pool).await.unwrap_err();
    assert!(refused.to_string().contains("plans_workers_fit_a_subnet"), "{refused}");
    // One that was offered before.
    sqlx::query("alter table plans drop constraint plans_workers_fit_a_subnet").execute(&pool).await.unwrap();
    sqlx::query(raise).execute(&pool).await.unwrap();
    let tenant = fakes.accept("enterprise").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    assert_eq!(scale(&fakes, tenant, 9).await, End::RolledBack);
    assert_eq!(scale(&fakes, tenant, 8).await, End::Succeeded);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn tenants_that_share_an_n8n_take_nothing_of_a_cluster(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.databases.set_connections(397);
    committed(&fakes).await;
    for _ in 0..3 {
        fakes.accept("starter").await;
    }
    sqlx::query("update tenants set mode = 'shared', cluster_id = null").execute(&pool).await.unwrap();
    let free = "select connections, subnets, places_left('starter') from cluster_room()";
    let free: (i64, i64, i64) = sqlx::query_as(free).fetch_one(&pool).await.unwrap();
    assert_eq!((free, committed(&fakes).await), ((297, 4095, 19), 0));
}
