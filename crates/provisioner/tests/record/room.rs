//! What a cluster has, and what it cannot give.

use common::{
    database::MIGRATOR,
    operations::{End, Saga},
};
use engine::Capacity;
use n8n::databases::Name;
use provisioner::{CreateTenant, World, heartbeat};
use sqlx::PgPool;
use testkit::saga::Rig;

use crate::support::Fakes;

async fn run<S: Saga<World = World>>(fakes: &Fakes, saga: &'static S) -> End {
    let (world, effects) = (|process: &str| fakes.world(process), |process: &str| fakes.effects(process));
    Rig { saga, stores: &fakes.stores, world: &world, effects: &effects }.to_the_end().await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_plans_connections_are_those_that_its_role_may_open(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let plans: Vec<(String, i32)> =
        sqlx::query_as("select name, connections from plans").fetch_all(&pool).await.unwrap();
    assert!(!plans.is_empty());
    for (plan, connections) in plans {
        let tenant = fakes.accept(&plan).await;
        assert_eq!(run(&fakes, &CreateTenant).await, End::Succeeded);
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
    assert_eq!(run(&fakes, &CreateTenant).await, End::RolledBack);
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
