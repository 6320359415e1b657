//! What a removal notes of a tenant, and what it does not wait for.

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, Request as _},
};
use n8n::databases::{Counts, Name};
use provisioner::DeleteTenant;
use serde_json::{Value, json};
use sqlx::PgPool;
use wire::kinds::{TenantBackup, TenantDelete};

use crate::scene::Scene;

/// What the removal of this tenant noted before anything went.
async fn noted(scene: &Scene, tenant: TenantId) -> Value {
    scene.fakes.operate(tenant, &TenantDelete { final_backup: true }).await;
    assert_eq!(scene.run(&DeleteTenant).await, End::Succeeded);
    scene.fakes.assert_gone(tenant, "deleted").await;
    let noted = "select s.output from operation_steps s join operations o on o.id = s.operation_id
                  where o.tenant_id = $1 and s.step = 'final_state' and s.event = 'succeeded'";
    sqlx::query_scalar(noted).bind(tenant).fetch_one(&scene.fakes.pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_it_held_stays_on_record(pool: PgPool) {
    let scene = Scene::new(&pool);
    let tenant = scene.create().await;
    let counts = Counts { workflows: 3, ..Counts::default() };
    scene.fakes.databases.change(&Name::of(tenant), |database| database.counts = counts);
    assert_eq!(noted(&scene, tenant).await["final_state"], json!(counts));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn tables_that_nobody_understands_are_noted_as_such_and_removed_all_the_same(pool: PgPool) {
    let scene = Scene::new(&pool);
    let tenant = scene.create().await;
    scene.fakes.databases.change(&Name::of(tenant), |database| database.understood = false);
    let noted = noted(&scene, tenant).await;
    assert_eq!(noted["final_state"], Value::Null);
    assert!(noted["not_counted"].as_str().unwrap().contains("not understood"), "{noted}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_stays_because_what_it_ran_last_cannot_be_counted(pool: PgPool) {
    let scene = Scene::new(&pool);
    let tenant = scene.create().await;
    scene.fakes.metering.go_away();
    noted(&scene, tenant).await;
    assert!(!scene.fakes.metering.has_counted(tenant));
}

/// The parts that were asked for: each with its type.
async fn backups(scene: &Scene) -> Vec<String> {
    let parts = "select request ->> 'type' from operations where kind = $1 and parent_id is not null";
    let parts = sqlx::query_scalar(parts).bind(TenantBackup::KIND.name);
    parts.fetch_all(&scene.fakes.pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_last_backup_is_made_of_what_is_a_customers_own_and_unless_it_is_not_asked_for(pool: PgPool) {
    let scene = Scene::new(&pool);
    let tenant = scene.create().await;
    noted(&scene, tenant).await;
    assert_eq!(backups(&scene).await, ["final"]);
    let another = scene.create().await;
    scene.fakes.operate(another, &TenantDelete { final_backup: false }).await;
    assert_eq!(scene.run(&DeleteTenant).await, End::Succeeded);
    let sandbox = scene.fakes.accept("sandbox").await;
    assert_eq!(scene.run(&provisioner::CreateTenant).await, End::Succeeded);
    noted(&scene, sandbox).await;
    assert_eq!(backups(&scene).await, ["final"], "and no other");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn of_a_tenant_that_never_had_anything_nothing_is_backed_up(pool: PgPool) {
    let scene = Scene::new(&pool);
    let tenant = scene.fakes.accept("pro").await;
    let never = "update operations set status = 'rolled_back', finished_at = now(), error = '{}'";
    sqlx::query(never).execute(&pool).await.unwrap();
    noted(&scene, tenant).await;
    assert_eq!(backups(&scene).await, [""; 0]);
}
