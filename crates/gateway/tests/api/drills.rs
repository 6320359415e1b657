//! Restore drills: held by the platform, recorded by people, and who may do what.

use common::id::TenantId;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    sandboxes::{put_backup, put_sandbox, settled},
    support::{Call, Claims, Platform, Reply},
};

async fn drill(platform: &Platform, claims: &Claims, tenant: &str, body: &Value) -> Reply {
    let key = Uuid::now_v7().to_string();
    let call = Call::post(&format!("/tenants/{tenant}/restore-drill"), body).by(claims).key(&key);
    platform.send(call.signed()).await
}

async fn listed(platform: &Platform, tenant: &str) -> Vec<Value> {
    let list = Call::get(&format!("/tenants/{tenant}/restore-drills")).by(&Claims::of("operator"));
    platform.send(list).await.json()["data"].as_array().unwrap().clone()
}

fn staff() -> Claims {
    Claims::of("operator")
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn without_a_body_one_is_held_beside_any_sandbox_and_beside_no_other_drill(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme").await;
    drill(&platform, &staff(), "acme", &json!({})).await.assert_problem(409, "no_restorable_backup");
    for number in 0..2 {
        put_sandbox(&database, acme, &format!("acme-restore-2026080{number}")).await;
    }
    let owner = Claims::owner(&[&acme.to_string()]);
    let held = drill(&platform, &owner, "acme", &json!({})).await;
    assert_eq!(held.status, 202, "{}", held.text());
    let told = held.json();
    assert!(told["drill_id"].as_str().unwrap().starts_with("drl_"), "{told}");
    assert_eq!(held.header("location"), format!("/operations/{}", told["operation_id"].as_str().unwrap()));
    drill(&platform, &staff(), "acme", &json!({})).await.assert_problem(409, "conflict");

    let row = "select row_to_json(x) from (
        select o.kind, o.request ->> 'drill' as drill, d.status, d.asked_by, s.drill_id = d.id as is_its, t.purpose,
               s.name ~ '^acme-restore-d[0-9a-f]{7}$' as is_named, d.backup_id = s.backup_id as of_one,
               (select array_agg(a.action order by a.action) from audit_logs a where a.operation_id = o.id) as noted
          from restore_drills d join operations o on o.id = d.operation_id
          join sandboxes s on s.operation_id = o.id join tenants t on t.id = s.tenant_id) x";
    let row: Value = sqlx::query_scalar(row).fetch_one(&database).await.unwrap();
    let expected = json!({
        "kind": "tenant.create", "drill": told["drill_id"], "status": "running", "asked_by": "somebody", "is_its": true,
        "purpose": "sandbox", "is_named": true, "of_one": true, "noted": ["tenant.create", "tenant.drill"],
    });
    assert_eq!(
        {
            let mut row = row;
            row["asked_by"] = "somebody".into();
            row
        },
        expected
    );
    assert_eq!(listed(&platform, "acme").await[0]["result"], "running");

    // Its end is told, and another may be held.
    let end = "update operations set status = 'succeeded', finished_at = now() where request ? 'drill'";
    sqlx::query(end).execute(&database).await.unwrap();
    let drills = listed(&platform, "acme").await;
    assert_eq!((&drills[0]["result"], &drills[0]["backup_tested"]), (&json!("passed"), &told["backup_id"]));
    assert_eq!(drill(&platform, &staff(), "acme", &json!({})).await.status, 202);
    let fail = "update operations set status = 'rolled_back', finished_at = now(), error = '{\"detail\": \"It does not open.\"}'
                 where request ? 'drill' and status <> 'succeeded'";
    sqlx::query(fail).execute(&database).await.unwrap();
    let failed = &listed(&platform, "acme").await[0];
    assert_eq!(
        (&failed["result"], &failed["issues_found"]),
        (&json!("failed"), &json!(["It does not open."]))
    );
    let told: Vec<String> =
        sqlx::query_scalar("select kind from event_outbox where kind like 'tenant.drill%' order by seq")
            .fetch_all(&database)
            .await
            .unwrap();
    assert_eq!(told, ["tenant.drill_passed", "tenant.drill_failed"]);
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_somebody_has_held_is_recorded_once_and_not_by_whoever_is_measured_by_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let acme = settled(&platform, &database, "acme").await;
    let other = settled(&platform, &database, "other").await;
    let (backup, theirs) = (
        put_backup(&database, acme, "removed", 90 * 24).await,
        put_backup(&database, other, "verified", 1).await,
    );
    let body = json!({
        "drill_date": "2026-08-01", "backup_tested": backup.to_string(), "result": "failed", "issues_found": ["slow"], "rto_minutes": 90,
        "data_integrity": "intact",
    });
    let owner = Claims::owner(&[&acme.to_string()]);
    drill(&platform, &owner, "acme", &body).await.assert_problem(403, "forbidden");
    let call = Call::post("/tenants/acme/restore-drill", &body).by_a("service").key("once").signed();
    let (first, again) = (platform.send(call.clone()).await, platform.send_to(1, call).await);
    assert_eq!((first.status.as_u16(), first.text()), (201, again.text()));
    let drills = listed(&platform, "acme").await;
    assert_eq!(drills.len(), 1, "{drills:?}");
    for (name, value) in body.as_object().unwrap() {
        let value = if name == "drill_date" { json!("2026-08-01T00:00:00Z") } else { value.clone() };
        let value = if name == "rto_minutes" { json!(90.0) } else { value };
        assert_eq!(drills[0][name], value, "{name}");
    }
    assert_eq!(drills[0]["operation_id"], Value::Null);
    let foreign = json!({ "result": "passed", "backup_tested": theirs.to_string() });
    drill(&platform, &staff(), "acme", &foreign).await.assert_problem(404, "not_found");
    drill(&platform, &staff(), "acme", &json!({ "rto_minutes": 1 }))
        .await
        .assert_problem(422, "invalid_fields");
    let absent = TenantId::generate().to_string();
    drill(&platform, &staff(), &absent, &json!({})).await.assert_problem(404, "not_found");
}
