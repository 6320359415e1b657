//! Tenants' backups, restored beside them: who may ask for it, what is accepted, and who sees what comes of it.

use common::id::{BackupId, TenantId};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Call, Claims, Platform, Record, Reply, kept_backup_of, tenant};

/// A sandbox of this tenant's, as if it had been restored.
pub async fn put_sandbox(database: &PgPool, of: TenantId, name: &str) {
    let backup = put_backup(database, of, "verified", 0).await;
    let rows = "with sandbox as (
                    insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, purpose)
                    values ($1, $2, 'a@b.co', $2, 'dedicated', 'active', 'sandbox', '2.41.1', 'sandbox')),
                limits as (
                    insert into tenant_limits select $1, cpu_millis, memory_mb, workers, storage_gb, executions_per_month,
                        concurrent_executions, api_calls_per_hour from plans where name = 'sandbox')
                insert into sandboxes (tenant_id, of_tenant, backup_id, name, operation_id, created_by, expires_at)
                values ($1, $3, $4, $2, gen_random_uuid(), 'test', now() + interval '1 hour')";
    let rows = sqlx::query(rows).bind(TenantId::generate()).bind(name).bind(of).bind(backup);
    rows.execute(database).await.unwrap();
}

pub async fn put_backup(database: &PgPool, of: TenantId, status: &str, hours_ago: i32) -> BackupId {
    kept_backup_of(database, of, (status, hours_ago)).await
}

pub async fn settled(platform: &Platform, database: &PgPool, subdomain: &str) -> TenantId {
    let create = Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed();
    let created = platform.send(create).await.json();
    sqlx::query("update operations set status = 'succeeded', finished_at = now()")
        .execute(database)
        .await
        .unwrap();
    sqlx::query("update tenants set status = 'active' where purpose = 'customer'")
        .execute(database)
        .await
        .unwrap();
    created["tenant_id"].as_str().unwrap().parse().unwrap()
}

async fn restore_by(platform: &Platform, claims: &Claims, tenant: &str, body: &Value) -> Reply {
    let key = Uuid::now_v7().to_string();
    platform.send(Call::post(&format!("/tenants/{tenant}/restore"), body).by(claims).key(&key).signed()).await
}

async fn restore(platform: &Platform, tenant: &str, body: &Value) -> Reply {
    restore_by(platform, &Claims::of("operator"), tenant, body).await
}

fn into_sandbox() -> Value {
    json!({ "restore_to_sandbox": true })
}

async fn get(platform: &Platform, claims: &Claims, path: &str) -> Reply {
    platform.send(Call::get(path).by(claims)).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_statement_accepts_the_sandbox_its_operation_the_restore_and_what_is_noted_of_them(
    database: PgPool,
) {
    let platform = Platform::configured(database.clone(), &[("SANDBOX_HOURS", "5")]).await;
    let acme = settled(&platform, &database, "acme").await;
    put_backup(&database, acme, "verified", 5).await;
    let newest = put_backup(&database, acme, "proven", 2).await;
    put_backup(&database, acme, "removed", 1).await;
    let body = json!({ "restore_to_sandbox": true, "include_executions": false });
    let call = Call::post("/tenants/acme/restore", &body).by_a("service").key("once").signed();
    let (first, again) = (platform.send(call.clone()).await, platform.send_to(1, call).await);
    assert_eq!(first.status, 202, "{}", first.text());
    assert_eq!((again.status.as_u16(), again.json()), (202, first.json()), "a repeat gets the same");
    let told = first.json();
    assert_eq!(told["backup_id"], newest.to_string());
    let name = told["sandbox"].as_str().unwrap();
    assert!(name.starts_with("acme-restore-20"), "{name}");
    assert!(told["sandbox_url"].as_str().unwrap().contains(&format!("//{name}.")), "{told}");
    assert!(
        told["estimated_completion"].is_string() && told["restore_id"].as_str().unwrap().starts_with("res_")
    );
    assert_eq!(first.header("location"), format!("/operations/{}", told["operation_id"].as_str().unwrap()));

    let row = "select row_to_json(x) from (
        select t.purpose, t.status, t.plan, t.mode, t.n8n_version, o.kind, o.request, l.workers, s.created_by, r.status as restore, r.executions,
               s.of_tenant = $1 as of_acme, round(extract(epoch from s.expires_at - s.created_at) / 3600) as hours,
               o.deadline - o.not_before > interval '4 hours' as has_time,
               (select array_agg(a.action || coalesce(' ' || nullif(a.tenant_id, t.id)::text, '') order by a.action)
                  from audit_logs a where a.operation_id = o.id) as noted
          from sandboxes s join tenants t on t.id = s.tenant_id join operations o on o.tenant_id = t.id
          join tenant_limits l on l.tenant_id = t.id join restores r on r.sandbox_id = t.id and r.operation_id = o.id) x";
    let rows: Vec<Value> = sqlx::query_scalar(row).bind(acme).fetch_all(&database).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let expected = json!({
        "purpose": "sandbox", "status": "provisioning", "plan": "sandbox", "mode": "dedicated", "n8n_version": "2.41.1",
        "kind": "tenant.create", "workers": 1, "created_by": "tester", "restore": "running", "executions": false,
        "of_acme": true, "hours": 5, "has_time": true,
        "request": { "mode": "dedicated", "plan": "sandbox", "from": newest.to_string(), "executions": false },
        "noted": ["tenant.create", format!("tenant.restore {}", acme.uuid())],
    });
    let mut row = rows[0].clone();
    row["created_by"] = "tester".into();
    assert_eq!(row, expected);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn which_backup_is_asked_for_by_its_id_or_by_a_moment(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme").await;
    restore(&platform, "acme", &into_sandbox()).await.assert_problem(409, "no_restorable_backup");
    let (old, new) =
        (put_backup(&database, acme, "verified", 50).await, put_backup(&database, acme, "verified", 2).await);
    let at = |hours: i64| {
        let at = common::clock::now() - time::Duration::hours(hours);
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let asked = async |more: Value| {
        let mut body = into_sandbox();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = restore(&platform, "acme", &body).await;
        sqlx::query("update tenants set status = 'deleted' where purpose = 'sandbox'")
            .execute(&database)
            .await
            .unwrap();
        reply
    };
    for (more, backup) in [
        (json!({}), new),
        (json!({ "backup_id": old }), old),
        (json!({ "restore_point": at(1) }), new),
        (json!({ "restore_point": at(49) }), old),
    ] {
        let reply = asked(more.clone()).await;
        assert_eq!(reply.status, 202, "{more}: {}", reply.text());
        assert_eq!(reply.json()["backup_id"], backup.to_string(), "{more}");
    }
    asked(json!({ "restore_point": at(51) })).await.assert_problem(409, "no_restorable_backup");
    let both = asked(json!({ "restore_point": at(1), "backup_id": old })).await;
    assert_eq!(both.field_errors(), [("/restore_point".to_owned(), "contradicts".to_owned())]);

    let before = Record::count(&database).await.without_refusals();
    for status in ["removed", "running", "written", "failed"] {
        let other = put_backup(&database, acme, status, 1).await;
        asked(json!({ "backup_id": other })).await.assert_problem(409, "backup_not_restorable");
    }
    let theirs = settled(&platform, &database, "theirs").await;
    let foreign = put_backup(&database, theirs, "verified", 1).await;
    asked(json!({ "backup_id": foreign })).await.assert_problem(404, "not_found");
    asked(json!({ "backup_id": BackupId::generate() })).await.assert_problem(404, "not_found");
    let takes_no_place = asked(json!({ "safety_backup": false })).await;
    assert_eq!(takes_no_place.field_errors(), [("/safety_backup".to_owned(), "contradicts".to_owned())]);
    let after = Record::count(&database).await;
    assert_eq!(
        (after.of("operations"), after.of("sandboxes")),
        (before.of("operations") + 1, before.of("sandboxes"))
    );
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_has_two_however_many_are_asked_for_at_once_and_each_has_a_name_of_its_own(
    database: PgPool,
) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme").await;
    put_backup(&database, acme, "verified", 2).await;
    let body = into_sandbox();
    let asked = (0..8).map(|_| restore(&platform, "acme", &body));
    let replies = futures::future::join_all(asked).await;
    let mut names: Vec<_> = replies
        .iter()
        .filter(|reply| reply.status == 202)
        .map(|reply| reply.json()["sandbox"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[1], format!("{}-2", names[0]));
    let refused = replies.iter().filter(|reply| reply.status != 202);
    for reply in refused {
        let code = reply.json()["code"].as_str().unwrap().to_owned();
        assert!(["too_many_sandboxes", "conflict"].contains(&code.as_str()), "{code}");
    }
    let detail = restore(&platform, "acme", &into_sandbox()).await.assert_problem(409, "too_many_sandboxes");
    assert!(detail["detail"].as_str().unwrap().contains("DELETE /sandboxes/"), "{detail}");
    // One that is gone, or came to nothing, is not counted.
    sqlx::query("update tenants set status = 'failed' where subdomain = $1")
        .bind(&names[0])
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(restore(&platform, "acme", &into_sandbox()).await.status, 202);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nothing_is_restored_of_who_is_no_customers_or_is_gone_and_in_place_of_nobody_who_shares_an_n8n(
    database: PgPool,
) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme").await;
    put_backup(&database, acme, "verified", 2).await;
    put_sandbox(&database, acme, "acme-restore-20260801").await;
    let sandbox: TenantId =
        sqlx::query_scalar("select tenant_id from sandboxes").fetch_one(&database).await.unwrap();
    restore(&platform, &sandbox.to_string(), &into_sandbox()).await.assert_problem(409, "conflict");
    for (status, answer, code) in
        [("failed", 409, "conflict"), ("deleting", 409, "conflict"), ("deleted", 410, "tenant_deleted")]
    {
        sqlx::query("update tenants set status = $1, address_released = false where id = $2")
            .bind(status)
            .bind(acme)
            .execute(&database)
            .await
            .unwrap();
        restore(&platform, &acme.to_string(), &into_sandbox()).await.assert_problem(answer, code);
    }
    let shared = "update tenants set status = 'active', mode = 'shared', shared_project = 'aaaaaaaaaaaaaaaa', shared_user = gen_random_uuid() where id = $1";
    sqlx::query(shared).bind(acme).execute(&database).await.unwrap();
    for body in [into_sandbox(), json!({ "restore_to_sandbox": false })] {
        let restored = restore(&platform, "acme", &body).await;
        assert_eq!(restored.status, 202, "{}", restored.text());
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_sees_a_tenant_sees_its_sandboxes_and_what_is_done_to_them_and_no_tenant_more(
    database: PgPool,
) {
    let platform = Platform::telling(database.clone()).await;
    let (acme, other) =
        (settled(&platform, &database, "acme").await, settled(&platform, &database, "other").await);
    put_backup(&database, acme, "verified", 2).await;
    let (owner, stranger) = (Claims::owner(&[&acme.to_string()]), Claims::owner(&[&other.to_string()]));
    let asked = restore_by(&platform, &owner, "acme", &into_sandbox()).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let (name, location) =
        (asked.json()["sandbox"].as_str().unwrap().to_owned(), asked.header("location").to_owned());
    restore_by(&platform, &stranger, "acme", &into_sandbox()).await.assert_problem(404, "not_found");
    put_sandbox(&database, other, "other-restore-20260801").await;
    let id: TenantId = sqlx::query_scalar("select tenant_id from sandboxes where name = $1")
        .bind(&name)
        .fetch_one(&database)
        .await
        .unwrap();

    let names = async |claims: &Claims, query: &str| -> Vec<String> {
        let listed = get(&platform, claims, &format!("/sandboxes{query}")).await.json();
        listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let both = ["other-restore-20260801", name.as_str()];
    for role in ["admin", "operator", "service"] {
        assert_eq!(names(&Claims::of(role), "").await, both, "{role}");
        assert_eq!(names(&Claims::of(role), "?tenant=acme").await, [name.as_str()]);
        assert_eq!(get(&platform, &Claims::of(role), &location).await.status, 200, "{role}");
    }
    assert_eq!(names(&owner, "").await, [name.as_str()]);
    assert_eq!(names(&stranger, "").await, ["other-restore-20260801"]);
    let first = get(&platform, &Claims::of("admin"), "/sandboxes?limit=1").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(names(&Claims::of("admin"), &format!("?limit=1&cursor={cursor}")).await, [name.as_str()]);
    let shown = get(&platform, &owner, "/sandboxes").await.json()["data"][0].clone();
    assert_eq!((&shown["status"], &shown["tenant_id"]), (&json!("provisioning"), &json!(acme.to_string())));

    // Its operation, as far as an owner is told any.
    let operation = get(&platform, &owner, &location).await.json();
    assert_eq!(operation["data"]["kind"], "tenant.create");
    assert!(operation["data"].get("cause").is_none_or(Value::is_null));
    get(&platform, &stranger, &location).await.assert_problem(404, "not_found");
    let mut followed = platform.follow(Call::get(&format!("{location}/events")).by(&owner)).await;
    assert_eq!(followed.kinds(1).await, ["operation.accepted"]);
    // It is no tenant of anybody's.
    for claims in [&owner, &Claims::of("service")] {
        for path in [format!("/tenants/{id}"), format!("/tenants/{name}"), format!("/tenants/{id}/events")] {
            get(&platform, claims, &path).await.assert_problem(404, "not_found");
        }
    }
    assert_eq!(get(&platform, &Claims::of("operator"), &format!("/tenants/{id}")).await.status, 200);
    for role in ["admin", "service"] {
        let listed = get(&platform, &Claims::of(role), "/tenants").await.text();
        assert!(!listed.contains("-restore-"), "{role}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn its_owner_removes_it_and_nobody_elses(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let (acme, other) =
        (settled(&platform, &database, "acme").await, settled(&platform, &database, "other").await);
    put_sandbox(&database, acme, "acme-restore-20260801").await;
    put_sandbox(&database, other, "other-restore-20260801").await;
    let owner = Claims::owner(&[&acme.to_string()]);
    let remove = async |name: &str| {
        let key = Uuid::now_v7().to_string();
        platform.send(Call::delete(&format!("/sandboxes/{name}")).by(&owner).key(&key).signed()).await
    };
    remove("other-restore-20260801").await.assert_problem(404, "not_found");
    let removed = remove("acme-restore-20260801").await;
    assert_eq!((removed.status.as_u16(), &removed.json()["status"]), (202, &json!("deleting")));
    assert_eq!(
        get(&platform, &owner, removed.header("location")).await.json()["data"]["kind"],
        "tenant.delete"
    );
    remove("acme-restore-20260801").await.assert_problem(409, "removal_under_way");
    sqlx::query("update tenants set status = 'deleted' where purpose = 'sandbox'")
        .execute(&database)
        .await
        .unwrap();
    remove("acme-restore-20260801").await.assert_problem(404, "not_found");
    assert_eq!(get(&platform, &owner, "/sandboxes").await.json()["data"], json!([]));
    // What is said to whoever means it well and takes the wrong way.
    let id: TenantId = sqlx::query_scalar("select tenant_id from sandboxes where of_tenant = $1")
        .bind(other)
        .fetch_one(&database)
        .await
        .unwrap();
    sqlx::query("update tenants set status = 'active' where id = $1")
        .bind(id)
        .execute(&database)
        .await
        .unwrap();
    let wrong = platform.send(Call::delete(&format!("/tenants/{id}")).by_a("admin").signed()).await;
    assert!(wrong.assert_problem(409, "conflict")["detail"].as_str().unwrap().contains("DELETE /sandboxes/"));
}
