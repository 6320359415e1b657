//! Each operation, broken at each of its steps in every way: afterwards the world is exactly done or exactly as before.

use crate::support::Fakes;
use common::{
    database::MIGRATOR,
    operations::{End, OperationKind, Saga},
};
use provisioner::{CreateTenant, DeleteTenant, HealTenant, World, sagas};
use sqlx::PgPool;
use testkit::saga::{Point, Rig, points};

const WORKERS: usize = 2;

async fn break_at<S: Saga<World = World>>(fakes: &Fakes, saga: &'static S, point: Point) -> End {
    let world = |process: &str| fakes.world(process);
    let effects = |process: &str| fakes.effects(process);
    let rig = Rig { saga, pool: &fakes.pool, world: &world, effects: &effects };
    let verdict = rig.break_at(point).await;
    assert_eq!(verdict.stale_effects, 0, "{point:?}: a process without a lease acted");
    verdict.end
}

async fn run<S: Saga<World = World>>(fakes: &Fakes, saga: &'static S) -> End {
    let world = |process: &str| fakes.world(process);
    let effects = |process: &str| fakes.effects(process);
    Rig { saga, pool: &fakes.pool, world: &world, effects: &effects }.to_the_end().await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn creating_a_tenant_ends_whole_or_leaves_nothing(pool: PgPool) {
    for point in points(&CreateTenant) {
        let fakes = Fakes::new(&pool);
        let tenant = fakes.accept("pro").await;
        let end = break_at(&fakes, &CreateTenant, point).await;
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{point:?}");
            fakes.assert_gone(tenant, "failed").await;
        } else {
            assert_eq!(end, End::Succeeded, "{point:?}");
            fakes.assert_whole(tenant, WORKERS).await;
        }
        forget(&pool).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn deleting_a_tenant_always_leaves_nothing(pool: PgPool) {
    for point in points(&DeleteTenant) {
        let fakes = Fakes::new(&pool);
        let tenant = fakes.accept("pro").await;
        assert_eq!(run(&fakes, &CreateTenant).await, End::Succeeded);
        fakes.operate(tenant, OperationKind::TenantDelete).await;
        assert_eq!(break_at(&fakes, &DeleteTenant, point).await, End::Succeeded, "{point:?}");
        fakes.assert_gone(tenant, "deleted").await;
        forget(&pool).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn healing_a_tenant_brings_back_everything_it_lost(pool: PgPool) {
    for point in points(&HealTenant) {
        let fakes = Fakes::new(&pool);
        let tenant = fakes.accept("pro").await;
        assert_eq!(run(&fakes, &CreateTenant).await, End::Succeeded);
        fakes.containers.vanish(&format!("rp9-{}-blue-main", tenant.digits()));
        fakes.containers.die(&format!("rp9-{}-blue-worker-1", tenant.digits()), 137);
        fakes.operate(tenant, OperationKind::TenantHeal).await;
        let end = break_at(&fakes, &HealTenant, point).await;
        if point.mode.gives_up() {
            // Giving up keeps what was brought back; the reconciler asks again.
            assert_eq!(end, End::RolledBack, "{point:?}");
            fakes.operate(tenant, OperationKind::TenantHeal).await;
            assert_eq!(run(&fakes, &HealTenant).await, End::Succeeded);
        } else {
            assert_eq!(end, End::Succeeded, "{point:?}");
        }
        fakes.assert_whole(tenant, WORKERS).await;
        forget(&pool).await;
    }
}

/// A saga that the tests above do not name would show here.
#[test]
fn every_registered_operation_is_covered() {
    let covered = [CreateTenant::KIND, DeleteTenant::KIND, HealTenant::KIND];
    let registered: Vec<_> = sagas().iter().map(|saga| saga.kind()).collect();
    assert_eq!(registered, covered);
    assert_eq!(registered.len(), OperationKind::ALL.len());
}

/// The next point starts on an empty record.
async fn forget(pool: &PgPool) {
    sqlx::query("truncate tenants cascade").execute(pool).await.unwrap();
}
