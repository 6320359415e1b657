//! Many tenants at once.

use std::{sync::Arc, time::Duration};

use common::{
    database::MIGRATOR,
    operations::{End, Gate, Store, Wake, Worker},
    service::Tasks,
};
use engine::Selection;
use provisioner::{DeleteTenant, RestartTenant, ScaleTenant, sagas};
use sqlx::PgPool;
use wire::kinds::{TenantDelete, TenantHeal, TenantRestart, TenantScale};

use crate::{
    scene::{Scene, main_of},
    support::Fakes,
};

const TENANTS: i64 = 16;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn tenants_made_at_once_do_not_get_in_each_others_way(pool: PgPool) {
    let (fakes, tasks) = (Fakes::new(&pool), Tasks::default());
    for _ in 0..TENANTS {
        fakes.accept("starter").await;
    }
    for process in ["one", "other"] {
        let (store, world) = (Store::new(pool.clone(), process), Arc::new(fakes.world(process)));
        Worker { store, world, sagas: sagas(), wake: Wake::default(), gate: Gate::default(), limit: 8 }
            .spawn(&tasks);
    }
    let made = "select count(*) from tenants where status = 'active'";
    let all = async {
        while sqlx::query_scalar::<_, i64>(made).fetch_one(&pool).await.unwrap() < TENANTS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(120), all).await.is_err() {
        panic!("not every tenant became active: {:#?}", unfinished(&pool).await);
    }
    tasks.finish(Duration::from_secs(10)).await.unwrap();
    let again = "select count(*) from operation_steps where event = 'failed'";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(again).fetch_one(&pool).await.unwrap(),
        0,
        "a step had to be tried again"
    );
    let subnets = "select count(distinct subnet) from tenants";
    assert_eq!(sqlx::query_scalar::<_, i64>(subnets).fetch_one(&pool).await.unwrap(), TENANTS);
}

/// What a reader of the failure needs to know of the operations that did not end well.
pub async fn unfinished(pool: &PgPool) -> Vec<String> {
    let told = "select format('%s %s until %s, not before %s, now %s: %s; %s', o.status, o.lease_owner, o.lease_until,
                           o.not_before, now(), o.error,
                           (select string_agg(format('%s %s %s', s.step, s.event, s.error), ', ' order by s.at)
                            from operation_steps s where s.operation_id = o.id))
                from operations o where o.status <> 'succeeded'";
    sqlx::query_scalar(told).fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_done_for_a_tenant_costs_nothing_by_the_others_that_there_are(pool: PgPool) {
    let (scene, _) = Scene::with_tenant(&pool).await;
    scene.fakes.containers.take_looks();
    let tenant = scene.create().await;
    scene.fakes.containers.vanish(&main_of(tenant));
    scene.fakes.operate(tenant, &TenantHeal::default()).await;
    scene.heals().await;
    scene.fakes.operate(tenant, &TenantRestart {}).await;
    assert_eq!(scene.run(&RestartTenant).await, End::Succeeded);
    let smaller = TenantScale { cpu_millis: Some(500), memory_mb: Some(512), workers: Some(1) };
    scene.fakes.operate(tenant, &smaller).await;
    assert_eq!(scene.run(&ScaleTenant).await, End::Succeeded);
    scene.fakes.operate(tenant, &TenantDelete { final_backup: false }).await;
    assert_eq!(scene.run(&DeleteTenant).await, End::Succeeded);
    let looks = scene.fakes.containers.take_looks();
    let own = [Selection::of(tenant), Selection::of(tenant).containers()];
    assert!(!looks.is_empty() && looks.iter().all(|look| own.contains(look)), "{looks:?}");
}
