//! Nothing broken looks healthy: what hangs, ends again and again, or is not helped by healing.

use std::{sync::Arc, time::Duration};

use crate::scene::{Scene, main_of, worker_of};
use common::{database::MIGRATOR, operations::Wake, service::Tasks};
use n8n::databases::{Name, TenantDatabases as _};
use provisioner::{Reconciler, Report};
use serde_json::json;
use sqlx::PgPool;

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_hung_main_begins_anew_by_one_operation_and_is_told_once(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.containers.hang(&main_of(tenant));
    assert_eq!(scene.look().await, Report::default(), "it may recover");
    assert_eq!(scene.after(HALF_A_MINUTE).await.healing, 1);
    assert_eq!(scene.look().await.healing, 0);
    scene.heals().await;
    scene.fakes.assert_whole(tenant, 2).await;
    for _ in 0..10 {
        assert_eq!(scene.after(HALF_A_MINUTE).await, Report::default());
    }
    let reason = format!("{} does not answer", main_of(tenant));
    assert_eq!(scene.told("tenant.drifted").await, [json!({ "reasons": [reason] })]);
    assert!(scene.told("tenant.unhealthy").await.is_empty());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_crash_loop_by_other_passwords_ends_with_the_right_ones(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    let (databases, queues) = (&scene.fakes.databases, &scene.fakes.queues);
    let right = || (databases.role(&Name::of(tenant)), queues.password(tenant));
    let before = right();
    let outsider = scene.fakes.world("outsider");
    outsider.databases.ensure_role(&Name::of(tenant), &"x".into(), 1).await.unwrap();
    outsider.queues.ensure_user(tenant, &"x".into()).await.unwrap();
    assert_ne!(right(), before);
    for name in [main_of(tenant), worker_of(tenant, 1)] {
        scene.fakes.containers.crash_loop(&name, 1);
    }
    assert_eq!(scene.look().await.healing, 1);
    scene.heals().await;
    let (databases, queues) = (&scene.fakes.databases, &scene.fakes.queues);
    assert_eq!((databases.role(&Name::of(tenant)), queues.password(tenant)), before);
    assert_eq!(scene.look().await, Report::default(), "its ends before that do not count any more");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_that_healing_does_not_help_is_shown_once_and_healed_ever_more_rarely(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.containers.set_health(&main_of(tenant), engine::Health::Unhealthy);
    scene.look().await;
    let mut healed = 0;
    for half_minute in 0..240 {
        healed += scene.after(HALF_A_MINUTE).await.healing;
        // The operation gives up; the record's clock goes on like ours.
        scene
            .execute(
                "update operations set status = 'rolled_back', finished_at = now() - interval '1 minute'
                  where kind = 'tenant.heal' and status = 'queued'",
            )
            .await;
        let on = "update tenant_troubles set since = since - interval '30 seconds',
                         heal_after = heal_after - interval '30 seconds'";
        scene.execute(on).await;
        let shown = scene.told("tenant.unhealthy").await.len();
        assert_eq!(shown, usize::from(half_minute >= 3), "after {half_minute} half minutes");
    }
    // Two at once, then after 15 s, 30 s and so on up to an hour; two hours in all.
    assert!((10..=12).contains(&healed), "{healed} times in two hours");
    let reason = format!("{} does not answer", main_of(tenant));
    assert_eq!(scene.told("tenant.unhealthy").await[0]["reasons"], json!([reason]));

    scene.fakes.containers.clear_health(&main_of(tenant));
    for _ in 0..10 {
        scene.after(HALF_A_MINUTE).await;
    }
    assert_eq!(scene.told("tenant.recovered").await.len(), 1);
    let troubles: i64 =
        sqlx::query_scalar("select count(*) from tenant_troubles").fetch_one(&pool).await.unwrap();
    assert_eq!(troubles, 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_main_that_is_killed_a_few_times_is_brought_back_at_once_each_time(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    for time in 1..=6 {
        scene.fakes.containers.die(&main_of(tenant), 137);
        assert_eq!(scene.look().await.healing, 1, "killed {time} times");
        scene.heals().await;
        assert_eq!(scene.look().await, Report::default());
    }
    // Whoever goes on is slowed down.
    for pause in [15, 30] {
        scene.fakes.containers.die(&main_of(tenant), 137);
        assert_eq!(scene.look().await.healing, 1);
        scene.heals().await;
        let paused = "select extract(epoch from heal_after - now())::float8 from tenant_troubles";
        let paused: f64 = sqlx::query_scalar(paused).fetch_one(&pool).await.unwrap();
        assert!(paused > f64::from(pause) - 10.0 && paused <= f64::from(pause), "{paused} s");
        scene.execute("update tenant_troubles set heal_after = now()").await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn after_a_heal_that_failed_it_is_told_that_healing_pauses(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.containers.die(&main_of(tenant), 137);
    assert_eq!(scene.look().await.healing, 1);
    scene
        .execute(
            "update operations set status = 'rolled_back', finished_at = now() where kind = 'tenant.heal'",
        )
        .await;
    assert_eq!(scene.look().await.healing, 0);
    let paused = "select heal_after > now() + interval '50 seconds' from tenant_troubles";
    assert!(sqlx::query_scalar::<_, bool>(paused).fetch_one(&pool).await.unwrap());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_whose_database_is_gone_is_told_so_and_nothing_is_started_on_nothing(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.databases.actor("test").remove_database(&Name::of(tenant)).await.unwrap();
    scene.fakes.containers.vanish(&main_of(tenant));
    assert_eq!(scene.look().await.healing, 1);
    scene.gives_up_healing().await;
    assert!(!scene.fakes.containers.exists(&main_of(tenant)));
    let told =
        "select error ->> 'detail' from operations where kind = 'tenant.heal' and status = 'rolled_back'";
    let told: String = sqlx::query_scalar(told).fetch_one(&pool).await.unwrap();
    assert!(told.starts_with("The tenant's database is gone."), "{told}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nothing_is_restarted_while_its_database_is_away(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.databases.set_unreachable(true);
    scene.fakes.containers.hang(&main_of(tenant));
    for _ in 0..10 {
        assert_eq!(scene.after(HALF_A_MINUTE).await, Report::default());
    }
    scene.fakes.databases.set_unreachable(false);
    assert_eq!(scene.after(HALF_A_MINUTE).await, Report::default(), "it may recover by itself");
    scene.after(HALF_A_MINUTE).await;
    assert_eq!(scene.after(HALF_A_MINUTE).await.healing, 1);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_kill_for_want_of_memory_is_heard_noted_and_told_once_by_two_replicas(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    let tasks = Tasks::default();
    for replica in ["one", "other"] {
        let world = Arc::new(scene.fakes.world(replica));
        Reconciler::new(pool.clone(), world, Wake::default(), scene.engine_trust.clone()).spawn(&tasks);
    }
    // Both listen.
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.fakes.containers.run_out_of_memory(&worker_of(tenant, 2));
    let noted =
        "select restarts, last_exit_code, oom_killed, oom_kills from tenant_instances where name = $1";
    let seen = async {
        loop {
            let seen: (i64, Option<i64>, bool, i64) =
                sqlx::query_as(noted).bind(worker_of(tenant, 2)).fetch_one(&pool).await.unwrap();
            if seen == (1, Some(137), true, 1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), seen).await.expect("it is noted within seconds");
    tokio::time::sleep(Duration::from_secs(2)).await;
    tasks.finish(Duration::from_secs(5)).await.unwrap();
    let name = worker_of(tenant, 2);
    let told =
        json!({ "instance": name, "role": "worker", "restarts": 1, "exit_code": 137, "oom_killed": true });
    assert_eq!(scene.told("instance.restarted").await, [told]);
    let seen: (i64, i64) = sqlx::query_as("select restarts, oom_kills from tenant_instances where name = $1")
        .bind(name)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(seen, (1, 1));
}
