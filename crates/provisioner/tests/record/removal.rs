//! What a removal notes of a tenant, and what it does not wait for.

use common::{database::MIGRATOR, id::TenantId, operations::End};
use n8n::databases::{Counts, Name};
use provisioner::DeleteTenant;
use serde_json::{Value, json};
use sqlx::PgPool;
use wire::kinds::TenantDelete;

use crate::scene::Scene;

/// What the removal of this tenant noted before anything went.
async fn noted(scene: &Scene, tenant: TenantId) -> Value {
    scene.fakes.operate(tenant, &TenantDelete {}).await;
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
