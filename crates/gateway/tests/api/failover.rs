//! Back into a shared n8n in an emergency: accepted where there is a place and something to bring back, and refused with the reason.

use common::{database::MIGRATOR, id::BackupId};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, tenant};

/// One with an n8n of its own, and one that is shared, in the same cluster.
async fn dedicated(platform: &Platform, database: &PgPool) {
    let created = platform.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    set(database, "update operations set status = 'succeeded', finished_at = now()").await;
    set(database, "insert into clusters (id, region, engine, subnets) values ('here', 'eu-central', 'docker', '10.1.0.0/16') on conflict do nothing")
        .await;
    set(database, "update tenants set status = 'active', mode = 'dedicated', cluster_id = 'here'").await;
    let shared = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, purpose, capacity, cluster_id)
                  values (gen_random_uuid(), 'Shared', 'shared@acme.example', 'shared-1', 'dedicated', 'active', 'shared', '2.41.1', 'shared', 10, 'here')";
    set(database, shared).await;
}

async fn set(database: &PgPool, change: &'static str) {
    sqlx::query(change).execute(database).await.unwrap();
}

fn asked() -> Value {
    json!({ "target": "shared", "reason": "It is lost." })
}

async fn failover(platform: &Platform, body: &Value) -> Reply {
    let key = uuid::Uuid::now_v7().to_string();
    platform.send(Call::post("/tenants/acme/failover", body).by_a("operator").key(&key).signed()).await
}

async fn accepted(database: &PgPool) -> Vec<Value> {
    let rows = "select jsonb_build_object('request', o.request, 'tenant', t.status, 'noted', f.status)
                  from operations o join tenants t on t.id = o.tenant_id left join failovers f on f.operation_id = o.id
                 where o.kind = 'tenant.failover' order by o.created_at";
    sqlx::query_scalar(rows).fetch_all(database).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn it_is_an_operation_and_again_it_is_the_same(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    dedicated(&platform, &database).await;
    let first = failover(&platform, &asked()).await;
    assert_eq!(
        (first.status.as_u16(), &first.json()["status"]),
        (202, &json!("migrating")),
        "{}",
        first.text()
    );
    let again = failover(&platform, &asked()).await;
    assert_eq!((again.status.as_u16(), &again.json()["already"]), (202, &json!(true)), "{}", again.text());
    assert_eq!(again.json()["operation_id"], first.json()["operation_id"]);
    assert_eq!(
        accepted(&database).await,
        [json!({ "request": {}, "tenant": "migrating", "noted": "running" })]
    );
    let listed = platform.send(Call::get("/tenants/acme/failovers").by_a("operator")).await.json();
    assert_eq!(listed["data"][0]["operation_id"], first.json()["operation_id"], "{listed}");
    platform.stop().await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_impossible_is_said_and_nothing_is_accepted(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    dedicated(&platform, &database).await;
    for wrong in [json!({}), json!({ "target": "shared" }), json!({ "target": "elsewhere", "reason": "r" })] {
        assert_eq!(failover(&platform, &wrong).await.status, 422, "{wrong}");
    }
    let with = |backup: BackupId| {
        let mut body = asked();
        body["backup_id"] = json!(backup);
        body
    };
    failover(&platform, &with(BackupId::generate())).await.assert_problem(404, "not_found");
    let backup = BackupId::generate();
    let failed = "insert into backups (id, tenant_id, operation_id, type, status, failed_at, includes_database, includes_workflows, includes_credentials,
                      includes_files, includes_executions, retention_days)
                  select $1, id, gen_random_uuid(), 'manual', 'failed', now(), true, true, true, true, true, 30 from tenants where subdomain = 'acme'";
    sqlx::query(failed).bind(backup).execute(&database).await.unwrap();
    failover(&platform, &with(backup)).await.assert_problem(409, "backup_not_restorable");

    set(&database, "update tenants set draining = true where purpose = 'shared'").await;
    failover(&platform, &asked()).await.assert_problem(409, "no_shared_n8n");
    set(&database, "update tenants set draining = false where purpose = 'shared'").await;
    set(&database, "update tenants set status = 'suspended' where subdomain = 'acme'").await;
    failover(&platform, &asked()).await.assert_problem(409, "conflict");
    set(&database, "update tenants set status = 'active', mode = 'shared', shared_instance = (select id::text from tenants where purpose = 'shared') where subdomain = 'acme'").await;
    let shares = failover(&platform, &asked()).await;
    assert!(
        shares.assert_problem(409, "conflict")["detail"].as_str().unwrap().contains("shares an n8n already")
    );
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    platform.stop().await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn owners_see_what_did_not_come_along_and_ask_for_none(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    dedicated(&platform, &database).await;
    failover(&platform, &asked()).await;
    let told = r#"update failovers set status = 'succeeded', source = 'database', held_at = now() - interval '21 seconds', ended_at = now(), workflows = 3,
        credentials = 1, missing = '[{"what": "9 executions", "why": "they stay"}]', retire_at = now() + interval '1 day'"#;
    set(&database, told).await;
    let id: String = sqlx::query_scalar(
        "select 'ten_' || replace(id::text, '-', '') from tenants where subdomain = 'acme'",
    )
    .fetch_one(&database)
    .await
    .unwrap();
    let owner = Claims::owner(&[&id]);
    let seen = platform.send(Call::get("/tenants/acme/failovers").by(&owner)).await.json();
    let last = &seen["data"][0];
    assert_eq!((&last["source"], &last["workflows"]), (&json!("database"), &json!(3)), "{seen}");
    assert_eq!(last["missing"], json!([{ "what": "9 executions", "why": "they stay" }]), "{seen}");
    assert!((20.0..23.0).contains(&last["held_seconds"].as_f64().unwrap()), "{seen}");
    let asks = Call::post("/tenants/acme/failover", &asked()).by(&owner).signed();
    platform.send(asks).await.assert_problem(403, "forbidden");
    platform.stop().await;
}
