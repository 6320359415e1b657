//! Back into the n8n that a tenant shared: accepted for as long as what it had there is kept, and refused with the reason.

use common::{database::MIGRATOR, id::PromotionId};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, tenant};

/// One that was moved into an n8n of its own; by which promotion.
async fn moved(platform: &Platform, database: &PgPool) -> PromotionId {
    let created = platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    set(database, "update operations set status = 'succeeded', finished_at = now()").await;
    set(database, "update tenants set status = 'active', mode = 'dedicated'").await;
    let promotion = PromotionId::generate();
    let row = "insert into promotions (id, tenant_id, operation_id, asked_by, ttl_seconds, status, ended_at, retire_at)
               select $1, id, $1, 'somebody', 600, 'succeeded', now(), now() + interval '1 day' from tenants";
    sqlx::query(row).bind(promotion).execute(database).await.unwrap();
    promotion
}

async fn set(database: &PgPool, change: &'static str) {
    sqlx::query(change).execute(database).await.unwrap();
}

async fn rollback(platform: &Platform, promotion: PromotionId) -> Reply {
    let body = json!({ "promotion_id": promotion });
    let key = uuid::Uuid::now_v7().to_string();
    platform.send(Call::post("/tenants/acme/rollback", &body).by_a("operator").key(&key).signed()).await
}

async fn accepted(database: &PgPool) -> Vec<Value> {
    let rows = "select jsonb_build_object('request', o.request, 'tenant', t.status) from operations o join tenants t on t.id = o.tenant_id
                 where o.kind = 'tenant.rollback' order by o.created_at";
    sqlx::query_scalar(rows).fetch_all(database).await.unwrap()
}

#[track_caller]
fn told(reply: &Reply) -> String {
    reply.assert_problem(409, "conflict")["detail"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn it_is_an_operation_and_again_it_is_the_same(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let promotion = moved(&platform, &database).await;
    let first = rollback(&platform, promotion).await;
    assert_eq!(
        (first.status.as_u16(), &first.json()["status"]),
        (202, &json!("migrating")),
        "{}",
        first.text()
    );
    let again = rollback(&platform, promotion).await;
    assert_eq!((again.status.as_u16(), &again.json()["already"]), (202, &json!(true)), "{}", again.text());
    assert_eq!(again.json()["operation_id"], first.json()["operation_id"]);
    let row = json!({ "request": { "promotion": promotion }, "tenant": "migrating" });
    assert_eq!(accepted(&database).await, [row]);
    platform.stop().await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn when_it_is_too_late_that_is_said_and_nothing_is_accepted(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let promotion = moved(&platform, &database).await;
    rollback(&platform, PromotionId::generate()).await.assert_problem(404, "not_found");
    for (change, words) in [
        ("update promotions set retire_at = now()", "too late"),
        ("update promotions set retired_at = now()", "too late"),
        ("update promotions set status = 'rolled_back'", "back already"),
        ("update promotions set status = 'failed'", "failed"),
        ("update promotions set status = 'running', ended_at = null", "not over"),
    ] {
        set(&database, change).await;
        let refused = told(&rollback(&platform, promotion).await);
        assert!(refused.contains(words), "{change}: {refused}");
    }
    set(&database, "update promotions set status = 'succeeded', ended_at = now(), retired_at = null, retire_at = now() + interval '1 hour'").await;
    let without = Platform::configured(database.clone(), &[("S3_BUCKET", "")]).await;
    rollback(&without, promotion).await.assert_problem(422, "backups_off");
    set(&database, "update tenants set status = 'suspended'").await;
    assert!(told(&rollback(&platform, promotion).await).contains("suspended"));
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    without.stop().await;
    platform.stop().await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn owners_see_what_was_not_carried_back_and_ask_for_none(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let promotion = moved(&platform, &database).await;
    let changes = r#"update promotions set status = 'rolled_back', rolled_back_at = now(), changes =
        '{"made": [{"kind": "workflow", "id": "w", "name": "New"}], "changed": [], "removed": [], "things": 1, "executions": 3,
          "switched_off": ["x"], "still_waiting": [7]}'"#;
    set(&database, changes).await;
    let id: String = sqlx::query_scalar("select 'ten_' || replace(id::text, '-', '') from tenants")
        .fetch_one(&database)
        .await
        .unwrap();
    let owner = Claims::owner(&[&id]);
    let seen = platform.send(Call::get("/tenants/acme/promotions").by(&owner)).await.json();
    let expected = json!({ "made": [{ "kind": "workflow", "id": "w", "name": "New" }], "changed": [], "removed": [], "things": 1, "executions": 3 });
    assert_eq!(seen["data"][0]["changes"], expected, "{seen}");
    let body = json!({ "promotion_id": promotion });
    let asks = Call::post("/tenants/acme/rollback", &body).by(&owner).signed();
    platform.send(asks).await.assert_problem(403, "forbidden");
    platform.stop().await;
}
