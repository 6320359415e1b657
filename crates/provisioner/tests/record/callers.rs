//! What is told of tenants whose callers wait, and of those with two sides.

use common::{database::MIGRATOR, operations::End};
use provisioner::{Callers, CreateTenant, RestartTenant, SuspendTenant, Told};
use sqlx::PgPool;
use wire::kinds::{TenantRestart, TenantSuspend};

use crate::support::{Fakes, site};

async fn told(fakes: &Fakes) -> Told {
    Callers::new(fakes.pool.clone(), &site()).look().await.unwrap()
}

/// How many tenants' callers wait: by the page for that, and by the one for restores.
fn waiting(told: &Told) -> Vec<(&str, i64)> {
    told.waiting.iter().map(|(stand_in, waiting)| (*stand_in, waiting.tenants)).collect()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whose_callers_wait_is_told_until_they_are_served(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let rests = fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    fakes.operate(rests, &TenantSuspend {}).await;
    assert_eq!(fakes.run(&SuspendTenant).await, End::Succeeded);
    let waits = fakes.accept("starter").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    assert_eq!(waiting(&told(&fakes).await), [("waiting", 0), ("restoring", 0)]);

    let frozen =
        "update routes set stand_in = 'waiting', updated_at = now() - interval '90 s' where tenant_id = $1";
    sqlx::query(frozen).bind(waits).execute(&pool).await.unwrap();
    let seen = told(&fakes).await;
    assert_eq!(waiting(&seen), [("waiting", 1), ("restoring", 0)]);
    assert!((90.0..300.0).contains(&seen.waiting[0].1.seconds), "{seen:?}");
    fakes.operate(waits, &TenantRestart {}).await;
    assert_eq!(fakes.run(&RestartTenant).await, End::Succeeded);
    assert_eq!(waiting(&told(&fakes).await), [("waiting", 0), ("restoring", 0)]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_has_two_sides_is_told_by_whether_anything_is_done_to_them(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let mut tenants = Vec::new();
    for _ in 0..3 {
        tenants.push(fakes.accept("starter").await);
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    }
    let two = "update tenants set second_version = '2.41.1' where id = any ($1)";
    sqlx::query(two).bind(&tenants[..2]).execute(&pool).await.unwrap();
    fakes.operate(tenants[0], &TenantRestart {}).await;
    let sides = told(&fakes).await.sides;
    assert_eq!((sides.changing, sides.standing), (1, 1));
}
