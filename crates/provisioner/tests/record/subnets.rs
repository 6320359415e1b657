//! Networks that are not ours, in the cluster's range.

use std::{sync::Arc, time::Duration};

use common::{
    database::{self, MIGRATOR},
    operations::{End, Gate, Store, Wake, Worker},
    service::Tasks,
};
use ipnet::Ipv4Net;
use provisioner::{CreateTenant, HealTenant, heartbeat, sagas};
use sqlx::PgPool;
use testkit::saga::Rig;
use wire::kinds::TenantHeal;

use crate::support::Fakes;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// The same where tenants' networks are cut from this range.
async fn run_in(fakes: &Fakes, range: &str) -> End {
    let world = |process: &str| {
        let mut world = fakes.world(process);
        world.site.subnets = net(range);
        world
    };
    let effects = |process: &str| fakes.effects(process);
    Rig { saga: &CreateTenant, stores: &fakes.stores, world: &world, effects: &effects }.to_the_end().await
}

async fn subnets(pool: &PgPool) -> Vec<String> {
    let given = "select subnet::text from tenants where subnet is not null order by subnet";
    sqlx::query_scalar(given).fetch_all(pool).await.unwrap()
}

async fn failures(pool: &PgPool) -> i64 {
    let failed = "select count(*) from operation_steps where event = 'failed'";
    sqlx::query_scalar(failed).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_range_that_somebody_else_has_is_passed_over(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    // The next free cut is taken, and all of the second after it.
    fakes.containers.add_foreign_network("squat", net("10.201.0.16/28"));
    fakes.containers.add_foreign_network("wide", net("10.201.0.48/29"));
    for _ in 0..2 {
        let tenant = fakes.accept("starter").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        assert_eq!(fakes.status(tenant).await, "active");
    }
    assert_eq!(subnets(&pool).await, ["10.201.0.32/28", "10.201.0.64/28"]);
    assert_eq!(failures(&pool).await, 0, "within the same attempt");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whoever_stops_while_they_are_given_one_keeps_nobody_else_waiting(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let mut stopped = database::begin(&pool).await.unwrap();
    let hold = "select pg_advisory_xact_lock(hashtextextended('rp9/subnets/' || $1 || '/10.201.0.16/28', 0))";
    sqlx::query(hold).bind(fakes.cluster).execute(&mut *stopped).await.unwrap();
    let tenant = fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    fakes.assert_whole(tenant, 1).await;
    assert_eq!((subnets(&pool).await, failures(&pool).await), (vec!["10.201.0.32/28".to_owned()], 0));
    // It gave up.
    stopped.rollback().await.unwrap();
    fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    assert_eq!(subnets(&pool).await, ["10.201.0.16/28", "10.201.0.32/28"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_platforms_own_range_moves_on_as_well(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.containers.add_foreign_network("everywhere", net("10.201.0.0/24"));
    let tenant = fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    fakes.assert_whole(tenant, 1).await;
    // One was given to the tenant before the first try, the other is the platform's.
    assert_eq!(subnets(&pool).await, ["10.201.1.16/28"]);
    let platform = "select platform_subnet::text from clusters";
    let platform: String = sqlx::query_scalar(platform).fetch_one(&pool).await.unwrap();
    assert_eq!(platform, "10.201.1.0/28");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_noted_is_tried_again_after_an_hour(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.containers.add_foreign_network("squat", net("10.201.0.16/28"));
    fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    fakes.containers.vanish("squat");
    sqlx::query("update foreign_subnets set seen_at = seen_at - interval '61 minutes'")
        .execute(&pool)
        .await
        .unwrap();
    fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    assert_eq!(subnets(&pool).await, ["10.201.0.16/28", "10.201.0.32/28"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn healing_moves_no_tenant(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let before = subnets(&pool).await;
    fakes.containers.add_foreign_network("squat", net("10.201.0.32/28"));
    fakes.containers.vanish(&format!("rp9-{}-blue-main", tenant.digits()));
    fakes.operate(tenant, &TenantHeal::default()).await;
    assert_eq!(fakes.run(&HealTenant).await, End::Succeeded);
    assert_eq!(subnets(&pool).await, before);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_range_that_is_taken_is_known_to_be_so_also_when_there_is_no_other(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.containers.add_foreign_network("squat", net("10.201.0.16/28"));
    fakes.accept("starter").await;
    let (tasks, mut world) = (Tasks::default(), fakes.world("one"));
    world.site.subnets = net("10.201.0.0/27");
    let (store, world) = (Store::new(pool.clone(), "one"), Arc::new(world));
    Worker {
        store,
        world: world.clone(),
        sagas: sagas(),
        wake: Wake::default(),
        gate: Gate::default(),
        limit: 1,
    }
    .spawn(&tasks);
    let failed = async {
        while failures(&pool).await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), failed).await.expect("there is no room");
    tasks.finish(Duration::from_secs(10)).await.unwrap();
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    let usable = "select subnets_usable from clusters";
    assert_eq!(sqlx::query_scalar::<_, i32>(usable).fetch_one(&pool).await.unwrap(), 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn another_range_is_one_whose_first_cut_may_be_taken_too(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let mut world = fakes.world("heartbeat");
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    fakes.containers.add_foreign_network("squat", net("10.202.0.0/28"));
    fakes.accept("starter").await;
    assert_eq!(run_in(&fakes, "10.202.0.0/16").await, End::Succeeded);
    let platform = "select platform_subnet::text from clusters";
    let platform: String = sqlx::query_scalar(platform).fetch_one(&pool).await.unwrap();
    assert_eq!(
        (platform.as_str(), subnets(&pool).await),
        ("10.202.0.32/28", vec!["10.202.0.16/28".to_owned()])
    );
    world.site.subnets = net("10.202.0.0/16");
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    let range: String =
        sqlx::query_scalar("select subnets::text from clusters").fetch_one(&pool).await.unwrap();
    assert_eq!(range, "10.202.0.0/16");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whoever_has_the_last_subnet_may_reserve_again(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.accept("starter").await;
    // One for the platform and one for a tenant.
    assert_eq!(run_in(&fakes, "10.201.0.0/27").await, End::Succeeded);
    let had = subnets(&pool).await;
    // As after a crash between what was done and what was noted of it.
    sqlx::query("delete from operation_steps").execute(&pool).await.unwrap();
    sqlx::query("update operations set status = 'queued', finished_at = null").execute(&pool).await.unwrap();
    assert_eq!(run_in(&fakes, "10.201.0.0/27").await, End::Succeeded);
    assert_eq!((subnets(&pool).await, failures(&pool).await), (had, 0));
    fakes.assert_whole(tenant, 1).await;
}
