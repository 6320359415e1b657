//! Two clusters on one record: each provisioner acts on the tenants of its own.

use std::{sync::Arc, time::Duration};

use common::{
    database::MIGRATOR,
    error::Kind,
    id::TenantId,
    operations::{End, Gate, Store, Wake, Worker},
    service::Tasks,
};
use engine::{Selection, fake::FakeWorld};
use n8n::databases::Name;
use provisioner::{DeleteTenant, Report, heartbeat, sagas};
use sqlx::PgPool;
use wire::kinds::TenantDelete;

use crate::{
    scene::{Scene, main_of},
    support::Fakes,
};

const CLUSTERS: [&str; 2] = ["east", "west"];

/// Each on an engine of its own, and known to the record.
async fn two(pool: &PgPool) -> [Fakes; 2] {
    let both = CLUSTERS.map(|name| Fakes::on(pool, name, FakeWorld::new()));
    for fakes in &both {
        let world = fakes.world("heartbeat");
        heartbeat::beat(pool, &world, &world.site, false).await.unwrap();
    }
    both
}

/// A tenant that asks for this cluster's region.
async fn accept(fakes: &Fakes) -> TenantId {
    let tenant = fakes.accept("starter").await;
    // As if the request had said so: where it goes is decided when it is accepted.
    let ask = "with placed as (
                   update tenants set region = $2, cluster_id = place_tenant(plan, $2, compliance) where id = $1
                   returning id, cluster_id)
               update operations o set cluster_id = placed.cluster_id from placed where o.tenant_id = placed.id";
    sqlx::query(ask).bind(tenant).bind(fakes.cluster).execute(&fakes.pool).await.unwrap();
    tenant
}

async fn home(pool: &PgPool, tenant: TenantId) -> Option<String> {
    let home = "select cluster_id from tenants where id = $1";
    sqlx::query_scalar(home).bind(tenant).fetch_one(pool).await.unwrap()
}

/// Who owns something on the cluster's engine, whichever cluster that is of.
async fn owners(fakes: &Fakes) -> Vec<TenantId> {
    let (mut owners, engine) = (Vec::new(), fakes.world("inspector").containers);
    for cluster in CLUSTERS {
        owners.extend(engine.observe(&cluster.parse().unwrap(), Selection::ALL).await.unwrap().tenants());
    }
    owners
}

async fn create(fakes: &Fakes) -> TenantId {
    let tenant = accept(fakes).await;
    let scene = Scene::on(fakes.clone(), None);
    assert_eq!(scene.run(&provisioner::CreateTenant).await, End::Succeeded);
    tenant
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_is_placed_where_it_asks_for_and_where_there_is_room(pool: PgPool) {
    let place = async |plan: &str, region: Option<&str>, compliance: &[&str]| -> Option<String> {
        let place = sqlx::query_scalar("select place_tenant($1, $2, $3)").bind(plan).bind(region);
        place.bind(compliance).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(place("pro", None, &[]).await, None, "nobody is there yet");
    let [east, _] = two(&pool).await;
    assert_eq!(place("pro", Some("west"), &[]).await.as_deref(), Some("west"));
    assert_eq!(place("pro", Some("north"), &[]).await, None);
    assert_eq!(place("pro", None, &["hipaa"]).await, None);
    let execute = async |statement: &'static str| sqlx::query(statement).execute(&pool).await.unwrap();
    execute("update clusters set compliance = '{gdpr,hipaa}' where id = 'west'").await;
    assert_eq!(place("pro", None, &["hipaa"]).await.as_deref(), Some("west"));
    execute("update clusters set memory_mb = 2048 where id = 'east'").await;
    assert_eq!(place("enterprise", None, &[]).await.as_deref(), Some("west"));
    execute("update clusters set subnets_committed = 7").await;
    execute("update clusters set subnets_committed = 6 where id = 'west'").await;
    assert_eq!(place("pro", None, &[]).await.as_deref(), Some("west"), "the emptier one");
    execute("update clusters set heartbeat_at = now() - interval '1 minute' where id = 'west'").await;
    assert_eq!(place("pro", None, &[]).await.as_deref(), Some("east"), "nobody looks after the other");
    execute("update clusters set state = 'draining'").await;
    assert_eq!(place("pro", None, &[]).await, None);
    execute("update clusters set state = 'active', compliance = '{GDPR}'").await;
    assert!(place("pro", None, &["gdpr"]).await.is_some(), "a release before kept capitals");
    assert_eq!(place("pro", None, &["gdpr", "iso"]).await, None);
    // The last place of the emptier one was given away since its heartbeat.
    execute("update clusters set heartbeat_at = now(), subnets_usable = 8").await;
    execute("update clusters set subnets_usable = 1, subnets_committed = 0 where id = 'west'").await;
    let last = east.accept("starter").await;
    assert_eq!(home(&pool, last).await.as_deref(), Some("west"));
    assert_eq!(place("pro", None, &[]).await.as_deref(), Some("east"));
    // Whoever accepts a tenant places it, knowingly or not.
    execute("update clusters set state = 'active'").await;
    let tenant = east.accept("starter").await;
    assert_eq!(home(&pool, tenant).await.as_deref(), Some("east"));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn provisioners_of_two_clusters_make_and_remove_each_their_own_tenants(pool: PgPool) {
    let (both, tasks) = (two(&pool).await, Tasks::default());
    let mut tenants = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (fakes, tenants) in both.iter().zip(&mut tenants) {
            tenants.push(accept(fakes).await);
        }
    }
    for fakes in &both {
        let (store, world) = (
            Store::new(pool.clone(), fakes.cluster).of_cluster(fakes.cluster),
            Arc::new(fakes.world(fakes.cluster)),
        );
        Worker { store, world, sagas: sagas(), wake: Wake::default(), gate: Gate::default(), limit: 8 }
            .spawn(&tasks);
    }
    ended(&pool, "select count(*) from tenants where status <> 'active'").await;
    for (fakes, tenants) in both.iter().zip(&tenants) {
        let mut expected = tenants.clone();
        expected.sort();
        assert_eq!(owners(fakes).await, expected, "{}", fakes.cluster);
        for tenant in tenants {
            assert_eq!(home(&pool, *tenant).await.as_deref(), Some(fakes.cluster));
            assert!(fakes.databases.database(&Name::of(*tenant)).is_some());
            fakes.operate(*tenant, &TenantDelete { final_backup: false }).await;
        }
    }
    ended(&pool, "select count(*) from tenants where status <> 'deleted'").await;
    for (fakes, tenants) in both.iter().zip(&tenants) {
        assert!(owners(fakes).await.is_empty());
        assert!(tenants.iter().all(|tenant| fakes.databases.database(&Name::of(*tenant)).is_none()));
    }
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}

/// Waits until nothing is left to count.
async fn ended(pool: &PgPool, count: &'static str) {
    let all = async {
        while sqlx::query_scalar::<_, i64>(count).fetch_one(pool).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("it ends");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn each_reconciler_mends_its_own_and_leaves_the_others_alone(pool: PgPool) {
    let both = two(&pool).await;
    let tenants = [create(&both[0]).await, create(&both[1]).await];
    let mut scenes = both.map(|fakes| Scene::on(fakes, None));
    for scene in &mut scenes {
        assert_eq!(scene.look().await, Report::default());
    }
    scenes[0].fakes.containers.vanish(&main_of(tenants[0]));
    assert_eq!(scenes[1].look().await, Report::default());
    assert_eq!(scenes[0].look().await.healing, 1);
    scenes[0].heals().await;
    for (scene, tenant) in scenes.iter_mut().zip(tenants) {
        scene.after(Duration::from_secs(60)).await;
        scene.fakes.assert_whole(tenant, 1).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_tenant_left_in_the_cluster_it_came_from_is_removed_there_and_nowhere_else(pool: PgPool) {
    let both = two(&pool).await;
    let tenant = create(&both[0]).await;
    let mut scenes = both.map(|fakes| Scene::on(fakes, None));
    // While anything is to run in the first one, what is there is no remains: it may be on its way.
    scenes[0].execute("update tenants set cluster_id = 'west', subnet = null").await;
    assert_eq!(scenes[0].look().await, Report::default());
    scenes[0].execute("update tenant_instances set cluster_id = 'west'").await;
    // Two containers and a network.
    assert_eq!(scenes[0].look().await, Report { healing: 0, removed: 0, spared: 3 });
    scenes[0].now += Duration::from_secs(60);
    while scenes[0].look().await.removed > 0 {}
    assert!(owners(&scenes[0].fakes).await.is_empty());
    assert_eq!(scenes[1].look().await.healing, 1, "it is alive there, and misses everything: {tenant}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn two_clusters_on_one_engine_do_not_see_each_other(pool: PgPool) {
    let engine = FakeWorld::new();
    let both = CLUSTERS.map(|name| Fakes::on(&pool, name, engine.clone()));
    for fakes in &both {
        let world = fakes.world("heartbeat");
        heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    }
    let tenants = [create(&both[0]).await, create(&both[1]).await];
    let subnets: i64 =
        sqlx::query_scalar("select count(distinct subnet) from tenants").fetch_one(&pool).await.unwrap();
    assert_eq!(subnets, 2);
    let mut scenes = both.map(|fakes| Scene::on(fakes, None));
    for (scene, tenant) in scenes.iter_mut().zip(tenants) {
        assert_eq!(scene.look().await, Report::default());
        scene.fakes.assert_whole(tenant, 1).await;
        scene.fakes.operate(tenant, &TenantDelete { final_backup: false }).await;
        assert_eq!(scene.run(&DeleteTenant).await, End::Succeeded);
    }
    assert!(owners(&scenes[0].fakes).await.is_empty());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_question_about_a_tenant_elsewhere_is_not_answered_from_here(pool: PgPool) {
    use common::error::Classify as _;
    let [east, west] = two(&pool).await;
    let tenant = create(&east).await;
    let question = wire::AskInitialLogin { tenant, cluster: None };
    let here = provisioner::questions::initial_login(&pool, &east.world("asked"), question.clone()).await;
    assert_eq!(here.unwrap().email, "owner@acme.example");
    let there = provisioner::questions::initial_login(&pool, &west.world("asked"), question).await;
    assert_eq!(there.err().unwrap().kind(), Kind::Unavailable);
}

/// A tenant of which nobody knew a place when it was accepted, and that asks for `west` and what only that complies with.
async fn homeless(fakes: &Fakes) -> TenantId {
    let tenant = fakes.accept("starter").await;
    sqlx::query("update tenants set cluster_id = null, region = 'west', compliance = '{gdpr}' where id = $1")
        .bind(tenant)
        .execute(&fakes.pool)
        .await
        .unwrap();
    sqlx::query("update operations set cluster_id = null").execute(&fakes.pool).await.unwrap();
    tenant
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_no_cluster_suits_waits_until_one_does_whoever_takes_it_up(pool: PgPool) {
    let [east, west] = two(&pool).await;
    let tenant = homeless(&east).await;
    let tasks = Tasks::default();
    let drive = |fakes: &Fakes, world: provisioner::World| {
        let store = Store::new(pool.clone(), fakes.cluster).of_cluster(fakes.cluster);
        let world = Arc::new(world);
        Worker { store, world, sagas: sagas(), wake: Wake::default(), gate: Gate::default(), limit: 8 }
            .spawn(&tasks);
    };
    drive(&east, east.world("east"));
    ended(&pool, "select 1 - count(*) from operation_steps where event = 'failed' and ordinal = 0 limit 1")
        .await;
    assert_eq!((home(&pool, tenant).await, owners(&east).await), (None, vec![]));
    let kind = "select error ->> 'kind' from operation_steps where event = 'failed' limit 1";
    let kind: String = sqlx::query_scalar(kind).fetch_one(&pool).await.unwrap();
    assert_eq!(kind, "unavailable");

    // Now there is one, and the provisioner of the other hands it over.
    let mut world = west.world("west");
    world.site.compliance = "GDPR".parse().unwrap();
    heartbeat::beat(&pool, &world, &world.site, false).await.unwrap();
    drive(&west, world);
    ended(&pool, "select count(*) from tenants where status <> 'active'").await;
    assert_eq!(home(&pool, tenant).await.as_deref(), Some("west"));
    assert_eq!((owners(&east).await, owners(&west).await), (vec![], vec![tenant]));
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}
