//! Restores in place, and the last backup before a removal: what is accepted, and with what.

use common::id::{BackupId, TenantId};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Call, Claims, Platform, Reply, kept_backup_of, tenant};

async fn settled(platform: &Platform, database: &PgPool, subdomain: &str, mode: &str) -> TenantId {
    let mut body = tenant(subdomain);
    body["mode"] = mode.into();
    let created = platform.send(Call::post("/tenants", &body).by_a("admin").signed()).await.json();
    for change in [
        "update operations set status = 'succeeded', finished_at = now()",
        "update tenants set status = 'active' where purpose = 'customer' and status = 'provisioning'",
    ] {
        sqlx::query(change).execute(database).await.unwrap();
    }
    created["tenant_id"].as_str().unwrap().parse().unwrap()
}

async fn restore(platform: &Platform, claims: &Claims, tenant: &str, more: &Value) -> Reply {
    let mut body = json!({ "restore_to_sandbox": false });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let key = Uuid::now_v7().to_string();
    platform
        .send(Call::post(&format!("/tenants/{tenant}/restore"), &body).by(claims).key(&key).signed())
        .await
}

async fn backup(database: &PgPool, of: TenantId) -> BackupId {
    kept_backup_of(database, of, ("verified", 2)).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_in_place_is_accepted_once_and_there_from_then_on(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme", "dedicated").await;
    let newest = backup(&database, acme).await;
    let operator = Claims::of("operator");
    let more = json!({ "include_executions": false, "safety_backup": false });
    let replies = join_all((0..6).map(|_| restore(&platform, &operator, "acme", &more))).await;
    let (accepted, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 202);
    assert_eq!((accepted.len(), refused.len()), (1, 5));
    for reply in refused {
        reply.assert_problem(409, "conflict");
    }
    let told = accepted[0].json();
    assert_eq!((&told["backup_id"], &told["sandbox"]), (&json!(newest.to_string()), &Value::Null));
    let row = "select row_to_json(x) from (
        select t.status, o.kind, o.former_status, o.request, r.status as restore, r.executions, r.sandbox_id, r.backup_id = $2 as of_it
          from restores r join tenants t on t.id = r.tenant_id join operations o on o.id = r.operation_id where t.id = $1) x";
    let rows: Vec<Value> =
        sqlx::query_scalar(row).bind(acme).bind(newest).fetch_all(&database).await.unwrap();
    let expected = json!({
        "status": "migrating", "kind": "tenant.restore", "former_status": "active", "restore": "running", "executions": false,
        "sandbox_id": null, "of_it": true,
        "request": { "restore": told["restore_id"], "backup": newest.to_string(), "executions": false, "safety_backup": false },
    });
    assert_eq!(rows, [expected]);

    // Called off before it begins, it is as it was, and the restore has failed.
    let operation = told["operation_id"].as_str().unwrap();
    let cancel = Call::with("POST", &format!("/operations/{operation}/cancel")).by_a("operator").signed();
    assert!(platform.send(cancel).await.status.is_success());
    let now = "select t.status || ' ' || r.status from restores r join tenants t on t.id = r.tenant_id where t.id = $1";
    let now: String = sqlx::query_scalar(now).bind(acme).fetch_one(&database).await.unwrap();
    assert_eq!(now, "active failed");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_cannot_be_restored_in_place_is_told_why(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme", "dedicated").await;
    let operator = Claims::of("operator");
    restore(&platform, &operator, "acme", &json!({})).await.assert_problem(409, "no_restorable_backup");
    let own = backup(&database, acme).await;
    let other = settled(&platform, &database, "other", "dedicated").await;
    let theirs = backup(&database, other).await;
    let foreign = json!({ "backup_id": theirs });
    restore(&platform, &operator, "acme", &foreign).await.assert_problem(404, "not_found");
    let stranger = Claims::owner(&[&other.to_string()]);
    restore(&platform, &stranger, "acme", &json!({})).await.assert_problem(404, "not_found");
    sqlx::query("update tenants set status = 'failed' where id = $1")
        .bind(acme)
        .execute(&database)
        .await
        .unwrap();
    let failed = restore(&platform, &operator, "acme", &json!({ "backup_id": own })).await;
    failed.assert_problem(409, "conflict");
    let restores: i64 =
        sqlx::query_scalar("select count(*) from restores").fetch_one(&database).await.unwrap();
    assert_eq!(restores, 0);
}

async fn removed_with(platform: &Platform, database: &PgPool, subdomain: &str, query: &str) -> Value {
    let id = settled(platform, database, subdomain, "dedicated").await;
    let call = Call::delete(&format!("/tenants/{id}{query}")).by_a("admin").signed();
    let reply = platform.send(call).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let request = "select request from operations where tenant_id = $1 and kind = 'tenant.delete'";
    sqlx::query_scalar(request).bind(id).fetch_one(database).await.unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_last_backup_is_made_where_there_are_any_unless_it_is_refused(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let asked = async |subdomain, query| removed_with(&platform, &database, subdomain, query).await;
    assert_eq!(asked("one", "").await, json!({ "final_backup": true }));
    assert_eq!(asked("two", "?final_backup=true").await, json!({ "final_backup": true }));
    assert_eq!(asked("three", "?final_backup=false").await, json!({ "final_backup": false }));
    settled(&platform, &database, "four", "dedicated").await;
    let misspelt = Call::delete("/tenants/four?final_backup=no").by_a("admin").signed();
    assert_eq!(
        platform.send(misspelt).await.field_errors(),
        [("/final_backup".to_owned(), "not_a_boolean".to_owned())]
    );
    let without = Platform::configured(database.clone(), &[("S3_BUCKET", "")]).await;
    assert_eq!(
        removed_with(&without, &database, "five", "").await,
        json!({ "final_backup": false }),
        "nobody would make it"
    );
}
