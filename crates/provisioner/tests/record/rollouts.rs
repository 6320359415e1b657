//! A later release for many tenants: who begins when, and what ends it.

use std::time::Duration;

use common::{
    database::MIGRATOR,
    id::{RolloutId, TenantId},
    operations::{End, Wake},
};
use futures::future::join_all;
use provisioner::{CreateTenant, Rollouts, UpgradeTenant};
use sqlx::PgPool;
use wire::kinds::TenantRestart;

use crate::support::Fakes;

/// Some tenants that run the former release, and a rollout for them.
struct Scene {
    fakes: Fakes,
    tenants: Vec<TenantId>,
    rollout: RolloutId,
}

impl Scene {
    async fn with(pool: &PgPool, tenants: usize, (concurrency, max_failures): (i32, i32)) -> Self {
        let fakes = Fakes::new(pool);
        let mut scene = Self { fakes, tenants: Vec::new(), rollout: RolloutId::generate() };
        for _ in 0..tenants {
            scene.tenants.push(scene.fakes.accept("starter").await);
            assert_eq!(scene.fakes.run(&CreateTenant).await, End::Succeeded);
        }
        scene.execute("update tenants set n8n_version = '2.40.7'").await;
        let rollout = "insert into rollouts (id, n8n_version, selection, concurrency, max_failures, asked_by, role, correlation_id, reason)
                       values ($1, '2.41.1', '{}', $2, $3, 'ada', 'operator', 'the-same', 'It is new.')";
        let rollout = sqlx::query(rollout).bind(scene.rollout).bind(concurrency).bind(max_failures);
        rollout.execute(pool).await.unwrap();
        let turns = "insert into rollout_tenants (rollout_id, tenant_id, ordinal) select $1, t.id, t.place from unnest($2::uuid[]) with ordinality t (id, place)";
        sqlx::query(turns).bind(scene.rollout).bind(&scene.tenants).execute(pool).await.unwrap();
        scene
    }

    async fn execute(&self, change: &'static str) {
        sqlx::query(change).execute(&self.fakes.pool).await.unwrap();
    }

    async fn look(&self) -> usize {
        Rollouts::new(self.fakes.pool.clone(), Wake::default()).look().await.unwrap()
    }

    /// What is under way comes to its end.
    async fn run(&self, upgrades: usize) {
        for _ in 0..upgrades {
            assert_eq!(self.fakes.run(&UpgradeTenant).await, End::Succeeded);
        }
    }

    async fn ask(&self, question: &'static str) -> Vec<String> {
        sqlx::query_scalar(question).bind(self.rollout).fetch_all(&self.fakes.pool).await.unwrap()
    }

    async fn statuses(&self) -> Vec<String> {
        self.ask("select status from rollout_tenants where rollout_id = $1 order by ordinal").await
    }

    async fn status(&self) -> String {
        self.ask("select status from rollouts where id = $1").await.concat()
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn each_wave_has_twice_as_many_as_the_one_before_and_begins_after_it(pool: PgPool) {
    let scene = Scene::with(&pool, 6, (3, 0)).await;
    for wave in [1, 2, 3] {
        // However many look, and however often.
        let begun: usize = join_all((0..4).map(|_| scene.look())).await.into_iter().sum();
        assert_eq!((begun, scene.look().await), (wave, 0), "{:?}", scene.statuses().await);
        scene.run(wave).await;
    }
    assert_eq!(scene.status().await, "running");
    assert_eq!(scene.look().await, 0);
    assert_eq!(
        (scene.status().await, scene.statuses().await),
        ("succeeded".to_owned(), vec!["succeeded".to_owned(); 6])
    );
    assert_eq!(
        scene.ask("select n8n_version from tenants where $1::uuid is not null").await,
        vec!["2.41.1"; 6]
    );
    let waves =
        scene.ask("select wave::text from rollout_tenants where rollout_id = $1 order by ordinal").await;
    assert_eq!(waves, ["1", "2", "2", "3", "3", "3"]);
    let asked = "select distinct actor || ', ' || role || ', ' || correlation_id || ', ' || reason from audit_logs where action = 'tenant.upgrade' and $1::uuid is not null";
    assert_eq!(scene.ask(asked).await, [format!("ada, operator, the-same, {}: It is new.", scene.rollout)]);
    let told = "select data ->> 'succeeded' from event_outbox where kind = 'rollout.succeeded' and $1::uuid is not null";
    assert_eq!(scene.ask(told).await, ["6"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_begins_once_more_failed_than_may_and_who_is_under_way_goes_on(pool: PgPool) {
    let scene = Scene::with(&pool, 7, (4, 1)).await;
    assert_eq!(scene.look().await, 1);
    let fails = "update operations set status = 'rolled_back', finished_at = now(), error = '{\"kind\": \"upstream\", \"detail\": \"It did not start.\"}'
                  where id = (select operation_id from rollout_tenants where status = 'running' order by ordinal limit 1)";
    scene.execute(fails).await;
    assert_eq!(scene.look().await, 2, "one may fail");
    scene.execute(fails).await;
    assert_eq!((scene.look().await, scene.status().await), (0, "stopped".to_owned()));
    assert_eq!(scene.statuses().await[..4], ["failed", "failed", "running", "waiting"]);
    let why = scene
        .ask("select distinct detail from rollout_tenants where rollout_id = $1 and status = 'failed'")
        .await;
    assert_eq!(why, ["It did not start."]);
    scene.run(1).await;
    assert_eq!(scene.look().await, 0);
    assert_eq!(scene.statuses().await[2..], ["succeeded", "waiting", "waiting", "waiting", "waiting"]);
    assert_eq!(scene.status().await, "stopped");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_waits_for_a_person_has_failed_until_it_goes_on(pool: PgPool) {
    let scene = Scene::with(&pool, 2, (1, 1)).await;
    assert_eq!(scene.look().await, 1);
    scene.execute("update operations set status = 'stuck' where kind = 'tenant.upgrade'").await;
    assert_eq!(scene.look().await, 1, "{:?}", scene.statuses().await);
    assert_eq!(scene.statuses().await, ["failed", "running"]);
    scene
        .execute("update operations set status = 'running', not_before = now() where status = 'stuck'")
        .await;
    scene.look().await;
    assert_eq!(scene.statuses().await, ["running", "running"]);
    scene.run(2).await;
    scene.look().await;
    assert_eq!(
        (scene.status().await, scene.statuses().await.concat()),
        ("succeeded".to_owned(), "succeeded".repeat(2))
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_waits_for_a_person_ends_it_and_is_followed_when_it_goes_on(pool: PgPool) {
    let scene = Scene::with(&pool, 2, (1, 0)).await;
    assert_eq!(scene.look().await, 1);
    scene.execute("update operations set status = 'stuck' where kind = 'tenant.upgrade'").await;
    scene.look().await;
    assert_eq!(
        (scene.status().await, scene.statuses().await.concat()),
        ("stopped".to_owned(), "failedwaiting".to_owned())
    );
    scene
        .execute("update operations set status = 'running', not_before = now() where status = 'stuck'")
        .await;
    scene.look().await;
    assert_eq!(scene.statuses().await, ["running", "waiting"]);
    scene.run(1).await;
    scene.look().await;
    assert_eq!(
        (scene.status().await, scene.statuses().await.concat()),
        ("stopped".to_owned(), "succeededwaiting".to_owned())
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_whose_tenant_is_held_on_to_is_passed_by_and_comes_later(pool: PgPool) {
    let scene = Scene::with(&pool, 2, (1, 0)).await;
    let mut holds = common::database::begin(&pool).await.unwrap();
    let first = sqlx::query("select from tenants where id = $1 for update").bind(scene.tenants[0]);
    first.execute(&mut *holds).await.unwrap();
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.statuses().await, ["waiting", "running"]);
    let told =
        scene.ask("select detail from rollout_tenants where rollout_id = $1 and status = 'waiting'").await;
    assert!(told[0].contains("comes later"), "{told:?}");
    holds.commit().await.unwrap();
    scene.run(1).await;
    scene.execute("update rollout_tenants set not_before = now()").await;
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.statuses().await, ["running", "succeeded"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_waits_for_a_person_is_passed_over(pool: PgPool) {
    let scene = Scene::with(&pool, 2, (1, 0)).await;
    let stuck = scene.fakes.operate(scene.tenants[0], &TenantRestart {}).await;
    sqlx::query("update operations set status = 'stuck' where id = $1")
        .bind(stuck)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.statuses().await, ["skipped", "running"]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_is_busy_comes_later_and_who_changed_meanwhile_is_passed_over(pool: PgPool) {
    let scene = Scene::with(&pool, 5, (2, 0)).await;
    for (status, ordinal) in [("migrating", 1), ("suspended", 2), ("deleting", 3)] {
        let change = "update tenants t set status = $2 from rollout_tenants i where i.tenant_id = t.id and i.ordinal = $3 and i.rollout_id = $1";
        sqlx::query(change).bind(scene.rollout).bind(status).bind(ordinal).execute(&pool).await.unwrap();
    }
    scene.execute("update tenants t set n8n_version = '2.41.1' from rollout_tenants i where i.tenant_id = t.id and i.ordinal = 4").await;
    assert_eq!(scene.look().await, 1);
    assert_eq!(scene.statuses().await, ["waiting", "skipped", "skipped", "skipped", "running"]);
    scene.run(1).await;
    assert_eq!((scene.look().await, scene.status().await), (0, "running".to_owned()), "somebody is left");
    scene.execute("update tenants t set status = 'active' from rollout_tenants i where i.tenant_id = t.id and i.ordinal = 1").await;
    assert_eq!(scene.look().await, 0, "it is looked at again after a while");
    scene.execute("update rollout_tenants set not_before = now()").await;
    assert_eq!(scene.look().await, 1);
    scene.run(1).await;
    scene.look().await;
    assert_eq!(scene.status().await, "succeeded");
    let why = scene.ask("select detail from rollout_tenants where rollout_id = $1 and status = 'skipped' order by ordinal").await;
    assert!(
        why[0].contains("suspended") && why[1].contains("removed") && why[2].contains("already"),
        "{why:?}"
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_calls_it_off_waits_for_the_wave_that_begins_and_sees_no_other(pool: PgPool) {
    let scene = Scene::with(&pool, 3, (1, 0)).await;
    let mut waiting = common::database::begin(&pool).await.unwrap();
    sqlx::query("select from rollouts for update").execute(&mut *waiting).await.unwrap();
    let looked = tokio::time::timeout(Duration::from_secs(10), scene.look()).await;
    assert_eq!(looked, Ok(0), "it is somebody else's at this moment, and nobody waits for them");
    sqlx::query("update rollouts set status = 'cancelled', ended_at = now()")
        .execute(&mut *waiting)
        .await
        .unwrap();
    waiting.commit().await.unwrap();
    assert_eq!(scene.look().await, 0);
    assert_eq!(scene.statuses().await.concat(), "waiting".repeat(3));
    assert!(
        scene
            .ask("select id::text from operations where kind = 'tenant.upgrade' and $1::uuid is not null")
            .await
            .is_empty()
    );
}
