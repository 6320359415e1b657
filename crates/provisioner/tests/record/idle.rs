//! Workers that run, are well, and take nothing of what waits: the collector sees it, and they begin anew.

use std::time::Duration;

use crate::{
    scene::{Scene, main_of, worker_of},
    support::Fakes,
};
use common::{database::MIGRATOR, id::TenantId, operations::End};
use engine::fake::Verb;
use n8n::{databases::Name, queues::Job};
use provisioner::{CreateTenant, HealTenant, Report};
use serde_json::json;
use sqlx::PgPool;
use testkit::saga::points;
use wire::kinds::{Run, TenantHeal};

/// What the collector says of this tenant, so many seconds ago.
async fn say(pool: &PgPool, tenant: TenantId, is_idle: bool, ago: f64) {
    let sample = "insert into tenant_samples (tenant_id, cluster_id, at, workers_idle_while_waiting, missing)
        select id, cluster_id, now() - make_interval(secs => $3), $2, '{}' from tenants where id = $1
        on conflict (tenant_id) do update set at = excluded.at, workers_idle_while_waiting = excluded.workers_idle_while_waiting";
    sqlx::query(sample).bind(tenant).bind(is_idle).bind(ago).execute(pool).await.unwrap();
}

/// How often each of its containers was let begin anew.
fn restarts(fakes: &Fakes, tenant: TenantId) -> [usize; 3] {
    let ledger = fakes.containers.ledger();
    [main_of(tenant), worker_of(tenant, 1), worker_of(tenant, 2)].map(|name| {
        ledger.iter().filter(|effect| effect.verb == Verb::ContainerRestart && effect.target == name).count()
    })
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn workers_that_take_nothing_begin_anew_once_and_the_main_goes_on(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    for (is_idle, ago) in [(false, 1.0), (true, 31.0)] {
        say(&pool, tenant, is_idle, ago).await;
        assert_eq!(scene.look().await, Report::default(), "{is_idle} {ago} s ago");
    }
    say(&pool, tenant, true, 1.0).await;
    assert_eq!(scene.look().await.healing, 1);
    assert_eq!(scene.look().await.healing, 0, "it is at it");
    scene.heals().await;
    assert_eq!(restarts(&scene.fakes, tenant), [0, 1, 1]);
    scene.fakes.assert_whole(tenant, 2).await;
    assert_eq!(
        scene.look().await,
        Report::default(),
        "what was seen before says nothing of those that began since"
    );
    let reasons = [1, 2].map(|number| format!("{} takes nothing of what waits", worker_of(tenant, number)));
    assert_eq!(scene.told("tenant.drifted").await, [json!({ "reasons": reasons })]);
    say(&pool, tenant, true, 1.0).await;
    assert_eq!(scene.after(Duration::from_secs(45)).await.healing, 1, "it did not help");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_given_to_nobody_waits_again_unless_it_has_begun(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    let jobs = || [1, 2, 3].map(|id| Job { id: id.to_string(), execution: 60 + id });
    scene.fakes.queues.lose(tenant, jobs().into());
    scene.fakes.databases.change(&Name::of(tenant), |database| database.begun = [62].into());
    say(&pool, tenant, true, 1.0).await;
    assert_eq!(scene.look().await.healing, 1);
    scene.heals().await;
    let [_, begun, _] = jobs();
    assert_eq!(scene.fakes.queues.lost(tenant), [begun]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_whose_tables_are_not_understood_is_healed_without_its_jobs(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    let lost = [Job { id: "1".into(), execution: 61 }];
    scene.fakes.queues.lose(tenant, lost.clone().into());
    scene.fakes.databases.change(&Name::of(tenant), |database| database.understood = false);
    say(&pool, tenant, true, 1.0).await;
    assert_eq!(scene.look().await.healing, 1);
    scene.heals().await;
    assert_eq!(scene.fakes.queues.lost(tenant), lost);
    assert_eq!(restarts(&scene.fakes, tenant), [0, 1, 1]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_is_blamed_for_what_waits_while_redis_is_away_or_a_worker_is_missing(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    say(&pool, tenant, true, 1.0).await;
    scene.fakes.queues.set_unreachable(true);
    assert_eq!(scene.look().await, Report::default());
    scene.fakes.queues.set_unreachable(false);
    scene.fakes.containers.vanish(&worker_of(tenant, 1));
    assert_eq!(scene.look().await.healing, 1);
    scene.heals().await;
    assert_eq!(restarts(&scene.fakes, tenant), [0, 0, 0]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn however_often_healing_begins_a_worker_begins_anew_once(pool: PgPool) {
    let base = Fakes::new(&pool);
    let none = TenantHeal {
        idle: vec![Run { container: String::new(), started_at: None }],
        ..TenantHeal::default()
    };
    for point in points(&HealTenant, &none) {
        let fakes = base.anew().await;
        let tenant = fakes.accept("pro").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        fakes.containers.clear_ledger();
        let (world, all) = (fakes.world("look"), engine::Selection::of(tenant).containers());
        let seen = world.containers.observe(&world.site.cluster, all).await.unwrap();
        let workers = seen.containers.iter().filter(|seen| seen.name != main_of(tenant));
        let idle = workers.map(|seen| Run { container: seen.name.clone(), started_at: seen.started_at });
        let request = TenantHeal { idle: idle.collect(), ..TenantHeal::default() };
        fakes.operate(tenant, &request).await;
        let end = fakes.break_at(&HealTenant, point).await;
        assert_eq!(end, if point.mode.gives_up() { End::RolledBack } else { End::Succeeded }, "{point:?}");
        let [main, one, other] = restarts(&fakes, tenant);
        assert!(main == 0 && one <= 1 && other <= 1, "{point:?}: {main} {one} {other}");
        assert!(point.mode.gives_up() || (one, other) == (1, 1), "{point:?}: {one} {other}");
        fakes.assert_whole(tenant, 2).await;
    }
}
