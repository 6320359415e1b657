//! Sandboxes: kept in, and removed when their time is over.

use common::{
    database::MIGRATOR,
    operations::{End, Wake},
};
use engine::Selection;
use futures::future::join_all;
use provisioner::{CreateTenant, DeleteTenant, Sandboxes};
use sqlx::PgPool;

use crate::{scene::Scene, support::Fakes};

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_sandbox_that_has_an_exit_is_taken_out_of_it_and_brought_back_without(pool: PgPool) {
    let mut scene = Scene::new(&pool);
    let sandbox = scene.fakes.accept("sandbox").await;
    assert_eq!(scene.run(&CreateTenant).await, End::Succeeded);
    assert_eq!(scene.look().await, provisioner::Report::default());
    scene.after(std::time::Duration::from_secs(60)).await;
    let network = format!("tenant-{}", sandbox.digits());
    scene.fakes.containers.set_exit(&network, true);
    assert_eq!(scene.look().await.healing, 1);
    scene.fakes.containers.clear_ledger();
    scene.heals().await;
    scene.fakes.assert_whole(sandbox, 1).await;
    let replaced =
        scene.fakes.containers.ledger().iter().filter(|effect| effect.target.contains("-blue-")).count();
    assert!(replaced >= 4, "both of its containers went and came back");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_later_release_made_waits_for_that_release(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let drop =
        "alter table tenants drop constraint tenants_purpose_check, drop constraint tenants_shared_n8n_check";
    sqlx::query(drop).execute(&pool).await.unwrap();
    sqlx::query("update tenants set purpose = 'trial'").execute(&pool).await.unwrap();
    let world = fakes.world("inspector");
    let refused = world.blueprint(&pool, tenant).await.err().unwrap();
    assert!(format!("{refused:?}").contains("later release"), "{refused:?}");
    let seen = world.containers.observe(&world.site.cluster, Selection::of(tenant)).await.unwrap();
    assert_eq!(seen.containers.len(), 3);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_sandbox_is_removed_once_when_its_time_is_over_however_many_look(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let sandbox = fakes.accept("sandbox").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let customer = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let replicas: Vec<_> =
        (0..3).map(|_| Sandboxes::new(pool.clone(), &crate::support::site(), Wake::default())).collect();
    let round = async || {
        let looks = join_all(replicas.iter().map(Sandboxes::look)).await;
        looks.into_iter().map(|accepted| accepted.unwrap()).sum::<usize>()
    };
    assert_eq!(round().await, 0, "it has time left");
    sqlx::query("update sandboxes set expires_at = now()").execute(&pool).await.unwrap();
    assert_eq!(round().await, 1);
    assert_eq!(round().await, 0, "it is asked for once");
    assert_eq!(fakes.run(&DeleteTenant).await, End::Succeeded);
    fakes.assert_gone(sandbox, "deleted").await;
    assert_eq!(round().await, 0);
    assert_eq!(fakes.status(customer).await, "active");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_sandbox_goes_with_its_tenant(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let customer = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let sandbox = fakes.accept("sandbox").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let of = "update sandboxes set of_tenant = $1";
    sqlx::query(of).bind(customer).execute(&pool).await.unwrap();
    let sandboxes = Sandboxes::new(pool.clone(), &crate::support::site(), Wake::default());
    assert_eq!(sandboxes.look().await.unwrap(), 0);
    fakes.operate(customer, &wire::kinds::TenantDelete { final_backup: false }).await;
    assert_eq!(fakes.run(&DeleteTenant).await, End::Succeeded);
    assert_eq!(sandboxes.look().await.unwrap(), 1);
    assert_eq!(fakes.run(&DeleteTenant).await, End::Succeeded);
    fakes.assert_gone(sandbox, "deleted").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_nobody_ended_has_failed_when_its_sandbox_is_gone(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let sandbox = fakes.accept("sandbox").await;
    let given_up = "update operations set status = 'abandoned', finished_at = now()";
    sqlx::query(given_up).execute(&pool).await.unwrap();
    fakes.operate(sandbox, &wire::kinds::TenantDelete { final_backup: true }).await;
    assert_eq!(fakes.run(&DeleteTenant).await, End::Succeeded);
    assert_eq!(fakes.restored(sandbox).await, "failed");
}
