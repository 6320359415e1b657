//! Live events, from the change of a row to whoever follows.

mod postponed;
mod relay;
mod resets;
mod resume;
mod sockets;
mod streams;

use serde_json::Value;
use sqlx::PgPool;

use crate::support::{Call, Platform, tenant};

/// A tenant that was accepted: its id and its operation's.
async fn accepted(platform: &Platform, subdomain: &str) -> (String, String) {
    let created =
        platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed()).await.json();
    let text = |name: &str| created[name].as_str().map(str::to_owned).expect("it was accepted");
    (text("tenant_id"), text("operation_id"))
}

fn uuid(id: &str) -> uuid::Uuid {
    id.split_once('_').unwrap().1.parse().unwrap()
}

/// What a provisioner writes when all goes well, with the statements' shapes: the status in the same one as the step.
async fn succeed(database: &PgPool, tenant: &str, operation: &str) {
    let statements = [
        "update operations set status = 'running', started_at = now(), lease_until = now() + interval '1 minute',
                fence = fence + 1 where id = $1",
        "insert into operation_steps (operation_id, ordinal, step, event, fence) values ($1, 0, 'reserve', 'started', 1)",
        "update operations set lease_until = now() + interval '1 minute' where id = $1",
        r#"insert into operation_steps (operation_id, ordinal, step, event, fence, error)
           values ($1, 0, 'reserve', 'failed', 1, '{"kind": "timeout", "detail": "Later.", "cause": "hidden"}')"#,
        "insert into operation_steps (operation_id, ordinal, step, event, fence) values ($1, 0, 'reserve', 'started', 1)",
    ];
    for statement in statements {
        sqlx::query(statement).bind(uuid(operation)).execute(database).await.unwrap();
    }
    turn(database, tenant, "active").await;
    let ends = "with held as (
            update operations set status = 'succeeded', finished_at = now() where id = $1 returning id)
        insert into operation_steps (operation_id, ordinal, step, event, fence, output)
        select id, 0, 'reserve', 'succeeded', 1, '{\"password\": \"hidden\"}' from held";
    sqlx::query(ends).bind(uuid(operation)).execute(database).await.unwrap();
}

/// What following that tells.
const SUCCESS: [&str; 9] = [
    "tenant.provisioning",
    "operation.accepted",
    "operation.running",
    "step.started",
    "step.failed",
    "step.started",
    "tenant.active",
    "step.succeeded",
    "operation.succeeded",
];

async fn turn(database: &PgPool, tenant: &str, status: &str) {
    let turned = sqlx::query("update tenants set status = $2 where id = $1").bind(uuid(tenant)).bind(status);
    turned.execute(database).await.unwrap();
}

/// Events that nothing but their number tells apart.
async fn write_many(database: &PgPool, count: i32) {
    let many = "insert into event_outbox (kind, data)
                select 'tenant.active', jsonb_build_object('n', n) from generate_series(1, $1) n";
    sqlx::query(many).bind(count).execute(database).await.unwrap();
}

fn hides_nothing_secret(event: &Value) {
    assert!(!event.to_string().contains("hidden"), "{event}");
}
