//! Asking for backups, looking at them, and what keeps them from being removed.

use common::id::{BackupId, OperationId, TenantId};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, kept_backup, kept_backup_of, tenant};

/// A tenant that is active.
async fn active(platform: &Platform, database: &PgPool, subdomain: &str) -> TenantId {
    let create = Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed();
    let id: TenantId = platform.send(create).await.json()["tenant_id"].as_str().unwrap().parse().unwrap();
    for change in [
        "update operations set status = 'succeeded', finished_at = now() where tenant_id = $1",
        "update tenants set status = 'active' where id = $1",
    ] {
        sqlx::query(change).bind(id).execute(database).await.unwrap();
    }
    id
}

async fn ask(platform: &Platform, tenant: TenantId, body: &Value, key: &str) -> Reply {
    let call = Call::post(&format!("/tenants/{tenant}/backup"), body).by_a("operator").key(key).signed();
    platform.send(call).await
}

async fn steer(platform: &Platform, method: &str, path: &str) -> Reply {
    // A key of its own each time, or the same again within a second would be a repeat.
    let key = OperationId::generate().to_string();
    platform.send(Call::with(method, path).by_a("operator").key(&key).signed()).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_is_asked_for_once_and_there_from_then_on(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let tenant = active(&platform, &database, "acme").await;
    let body =
        json!({ "backup_type": "weekly", "includes_executions": false, "reason": "Before the clean-up." });
    let asked = ask(&platform, tenant, &body, "once").await;
    assert_eq!(asked.status.as_u16(), 202);
    let answer = asked.json();
    let id: BackupId = answer["backup_id"].as_str().unwrap().parse().unwrap();
    let folder = wire::backups::folder(tenant, id);
    assert_eq!(
        (&answer["ok"], &answer["path"]),
        (&json!(true), &json!(format!("s3://rp9-backups/{folder}/")))
    );
    assert_eq!(asked.header("location"), format!("/operations/{}", answer["operation_id"].as_str().unwrap()));
    assert_eq!(ask(&platform, tenant, &body, "once").await.json(), answer, "a repeat gets the same");

    let shown =
        platform.send(Call::get(&format!("/backups/{id}")).by_a("operator")).await.json()["data"].clone();
    assert_eq!(
        (&shown["status"], &shown["type"], &shown["retention_days"]),
        (&json!("queued"), &json!("weekly"), &json!(28))
    );
    assert_eq!(
        (&shown["includes"]["executions"], &shown["includes"]["database"]),
        (&json!(false), &json!(true))
    );
    assert_eq!((&shown["restorable"], &shown["manifest"]), (&json!(false), &Value::Null));
    let owner = Claims::owner(&[&tenant.to_string()]);
    let list = platform.send(Call::get(&format!("/tenants/{tenant}/backups")).by(&owner)).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["id"], json!(id));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_that_is_called_off_before_it_begins_has_failed(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let tenant = active(&platform, &database, "acme").await;
    let answer = ask(&platform, tenant, &json!({}), "once").await.json();
    let cancel = format!("/operations/{}/cancel", answer["operation_id"].as_str().unwrap());
    assert_eq!(steer(&platform, "POST", &cancel).await.status.as_u16(), 202);
    let path = format!("/backups/{}", answer["backup_id"].as_str().unwrap());
    let shown = platform.send(Call::get(&path).by_a("operator")).await.json()["data"].clone();
    assert_eq!(shown["status"], "failed");
    assert!(shown["failure"].as_str().unwrap().starts_with("Cancelled by"), "{shown}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_cannot_be_is_refused_with_the_reason(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let tenant = active(&platform, &database, "acme").await;
    let nothing =
        json!({ "includes_database": false, "includes_workflows": false, "includes_credentials": false });
    for (number, body) in [
        nothing,
        json!({ "backup_type": "final" }),
        json!({ "backup_type": "hourly" }),
        json!({ "retention_days": 0 }),
        json!({ "retention_days": 3651 }),
        json!({ "retention_days": 1.5 }),
        json!({ "includes_files": "yes" }),
        json!({ "includes_everything": true }),
    ]
    .into_iter()
    .enumerate()
    {
        ask(&platform, tenant, &body, &format!("wrong-{number}")).await.assert_problem(422, "invalid_fields");
    }
    let suspended = "update tenants set status = 'failed' where id = $1";
    sqlx::query(suspended).bind(tenant).execute(&database).await.unwrap();
    ask(&platform, tenant, &json!({}), "failed").await.assert_problem(409, "conflict");
    let rows: i64 = sqlx::query_scalar("select count(*) from backups").fetch_one(&database).await.unwrap();
    assert_eq!(rows, 0);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_last_one_stays_whoever_removes_how_many_at_once(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let tenant = active(&platform, &database, "acme").await;
    let mut kept = Vec::new();
    for _ in 0..5 {
        kept.push(kept_backup(&database, tenant).await);
    }
    let paths: Vec<_> = kept.iter().map(|id| format!("/backups/{id}")).collect();
    let removed = join_all(paths.iter().map(|path| steer(&platform, "DELETE", path))).await;
    let refused: Vec<_> = removed.iter().filter(|reply| reply.status.as_u16() != 202).collect();
    assert_eq!(refused.len(), 1, "{removed:?}");
    refused[0].assert_problem(409, "last_backup");
    let left: i64 = sqlx::query_scalar("select count(*) from backups where status = 'verified'")
        .fetch_one(&database)
        .await
        .unwrap();
    assert_eq!(left, 1);

    let held = format!("/backups/{}", kept_backup(&database, tenant).await);
    assert_eq!(steer(&platform, "POST", &format!("{held}/hold")).await.json()["legal_hold"], true);
    steer(&platform, "DELETE", &held).await.assert_problem(409, "backup_held");
    assert_eq!(steer(&platform, "POST", &format!("{held}/release")).await.json()["legal_hold"], false);
    in_use(&platform, &database, &held).await;
    assert_eq!(steer(&platform, "DELETE", &held).await.json()["status"], "removing");
    let noted = "select array_agg(distinct action order by action) from audit_logs where outcome = 'accepted' and starts_with(reason, $1)";
    let id = held.trim_start_matches("/backups/");
    let noted: Vec<String> = sqlx::query_scalar(noted).bind(id).fetch_one(&database).await.unwrap();
    assert_eq!(noted, ["backup.hold", "backup.release", "backup.remove"], "of which backup each was");
    stays_removed(&platform, &database, &held).await;
    platform.stop().await;
}

/// What something is restored from is not taken from under it.
async fn in_use(platform: &Platform, database: &PgPool, path: &str) {
    let backup: BackupId = path.trim_start_matches("/backups/").parse().unwrap();
    let set = async |change: &'static str| {
        sqlx::query(change).bind(backup).execute(database).await.unwrap();
    };
    set("insert into restores (id, tenant_id, backup_id, operation_id, asked_by)
         select gen_random_uuid(), b.tenant_id, b.id, gen_random_uuid(), 'test' from backups b where b.id = $1").await;
    steer(platform, "DELETE", path).await.assert_problem(409, "backup_in_use");
    set("update restores set status = 'succeeded', ended_at = now() where backup_id = $1").await;
}

/// Whoever removes it again is told how far that is, and it is noted that nothing was done.
async fn stays_removed(platform: &Platform, database: &PgPool, path: &str) {
    let again = steer(platform, "DELETE", path).await;
    assert_eq!((again.status.as_u16(), &again.json()["status"]), (202, &json!("removing")));
    assert_eq!(again.header("location"), path);
    let end = "update backups set status = 'removed', removed_at = now() where status = 'removing'";
    sqlx::query(end).execute(database).await.unwrap();
    let gone = steer(platform, "DELETE", path).await;
    assert_eq!((gone.status.as_u16(), &gone.json()["status"]), (200, &json!("removed")));
    steer(platform, "POST", &format!("{path}/hold")).await.assert_problem(409, "conflict");
    let already = "select count(*) from audit_logs where action = 'backup.remove' and outcome = 'already'";
    assert_eq!(sqlx::query_scalar::<_, i64>(already).fetch_one(database).await.unwrap(), 2);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_says_what_it_could_be_restored_from(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let tenant = active(&platform, &database, "acme").await;
    let stands = async |claims: &Claims| {
        platform.send(Call::get("/tenants/acme").by(claims)).await.json()["data"]["backups"].clone()
    };
    let change = async |change: &'static str, backup: BackupId| {
        sqlx::query(change).bind(backup).execute(&database).await.unwrap();
    };
    let owner = Claims::owner(&[&tenant.to_string()]);
    let nothing = json!({ "last_restorable_at": null, "rpo_seconds": null, "last_proven_at": null,
                         "last_failed_at": null, "last_failure": null });
    assert_eq!(stands(&owner).await, nothing);
    let newer = kept_backup_of(&database, tenant, ("verified", 1)).await;
    let older = kept_backup_of(&database, tenant, ("proven", 25)).await;
    change("update backups set proven_at = now() where id = $1", older).await;
    let failed = kept_backup_of(&database, tenant, ("failed", 2)).await;
    change("update backups set failed_at = now(), failure = 'The store is full.' where id = $1", failed)
        .await;
    for claims in [owner, Claims::of("service")] {
        let told = stands(&claims).await;
        assert!((3_600..3_700).contains(&told["rpo_seconds"].as_i64().unwrap()), "{told}");
        assert!(told["last_proven_at"].is_string() && told["last_restorable_at"].is_string(), "{told}");
        assert!(told["last_failed_at"].is_string() && told["last_failure"] == "The store is full.", "{told}");
    }
    change("update backups set includes_database = false where id = $1", newer).await;
    assert!(stands(&Claims::of("admin")).await["rpo_seconds"].as_i64().unwrap() > 24 * 3_600);
    platform.stop().await;
}
