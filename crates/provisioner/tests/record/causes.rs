//! Why an operation failed, as the record keeps it.

use common::{database::MIGRATOR, operations::End};
use provisioner::CreateTenant;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::Fakes;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_failed_step_keeps_its_cause_and_says_what_can_be_done(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    fakes.accept("starter").await;
    fakes.containers.set_image_missing("n8nio/n8n:2.41.1", true);
    assert_eq!(fakes.run(&CreateTenant).await, End::RolledBack);
    let failed =
        "select s.error, s.cause, o.error from operation_steps s join operations o on o.id = s.operation_id
                   where s.event = 'failed' order by s.seq desc limit 1";
    let (step, cause, operation): (Value, String, Value) =
        sqlx::query_as(failed).fetch_one(&pool).await.unwrap();
    assert!(cause.contains("n8nio/n8n:2.41.1 is not on the engine"), "{cause}");
    assert_eq!(step, operation);
    assert!(step["hint"].as_str().unwrap().contains("PULL_IMAGES=on"), "{step}");
    // What everybody may read says nothing of how the platform is built.
    assert!(!step["detail"].as_str().unwrap().contains("n8nio"), "{step}");
    let told = "select count(*) from event_outbox where data::text like '%n8nio%' or data::text like '%PULL_IMAGES%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(told).fetch_one(&pool).await.unwrap(), 0);
}
