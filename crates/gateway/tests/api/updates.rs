//! Changing what is known of a tenant.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, tenant};

/// A tenant that lives in a cluster, active.
pub async fn active(platform: &Platform, subdomain: &str) -> String {
    let created = platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("service").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let id = created.json()["tenant_id"].as_str().unwrap().to_owned();
    let settle = "update tenants set status = 'active', cluster_id = (select min(id) from clusters) where subdomain = $1";
    sqlx::query(settle).bind(subdomain).execute(&platform.database).await.unwrap();
    id
}

async fn platform(database: &PgPool) -> (Platform, String) {
    crate::offer::cluster(database, "local", "eu-central", &["gdpr"]).await;
    crate::offer::cluster(database, "other", "us-east", &["gdpr", "hipaa"]).await;
    let platform = Platform::on(database.clone()).await;
    let id = active(&platform, "acme").await;
    (platform, id)
}

pub fn patch(id: &str, body: &Value) -> Call {
    let call = Call::with("PATCH", &format!("/tenants/{id}")).body(body.to_string());
    call.header("content-type", "application/json")
}

async fn patched(platform: &Platform, id: &str, body: &Value) -> Reply {
    platform.send(patch(id, body).by_a("service").signed()).await
}

async fn shown(platform: &Platform, id: &str) -> Value {
    platform.send(Call::get(&format!("/tenants/{id}")).by_a("service")).await.json()["data"].clone()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_said_changes_and_everything_else_stays(database: PgPool) {
    let (platform, id) = platform(&database).await;
    let before = shown(&platform, &id).await;
    let body = json!({ "name": " Acme & Sons ", "metadata": { "crm": 7 }, "compliance": ["GDPR"], "region": "eu-central" });
    let reply = patched(&platform, &id, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["changed"], json!(["name", "region", "compliance", "metadata"]));
    assert_eq!(answer["data"], shown(&platform, &id).await, "it is answered as it is shown");
    let mut expected = before["tenant"].clone();
    for (field, value) in [
        ("name", json!("Acme & Sons")),
        ("region", json!("eu-central")),
        ("compliance", json!(["gdpr"])),
        ("metadata", json!({ "crm": 7 })),
        ("updated_at", answer["data"]["tenant"]["updated_at"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(answer["data"]["tenant"], expected);
    assert_ne!(expected["updated_at"], before["tenant"]["updated_at"]);

    let cleared =
        patched(&platform, &id, &json!({ "region": null, "compliance": null, "metadata": null })).await;
    let tenant = cleared.json()["data"]["tenant"].clone();
    assert_eq!((&tenant["region"], &tenant["compliance"]), (&Value::Null, &json!([])));
    assert_eq!((&tenant["metadata"], &tenant["name"]), (&json!({}), &json!("Acme & Sons")));

    let told = "select data -> 'changed' from event_outbox where kind = 'tenant.updated' order by seq";
    let told: Vec<Value> = sqlx::query_scalar(told).fetch_all(&database).await.unwrap();
    let both =
        [json!(["name", "region", "compliance", "metadata"]), json!(["region", "compliance", "metadata"])];
    assert_eq!(told, both);
    let noted =
        "select reason from audit_logs where action = 'tenant.update' and outcome = 'accepted' order by at";
    let noted: Vec<String> = sqlx::query_scalar(noted).fetch_all(&database).await.unwrap();
    assert_eq!(
        noted,
        ["changed: name, region, compliance, metadata", "changed: region, compliance, metadata"]
    );
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_changes_nothing_is_told_so_and_a_repeat_gets_its_first_answer(database: PgPool) {
    let (platform, id) = platform(&database).await;
    let same = shown(&platform, &id).await["tenant"].clone();
    let known = json!({ "name": same["name"], "email": same["email"], "region": null, "metadata": {} });
    for body in [json!({}), known] {
        let reply = patched(&platform, &id, &body).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["changed"]), (200, &json!([])));
    }
    assert_eq!(shown(&platform, &id).await["tenant"], same);

    let call = patch(&id, &json!({ "name": "Once" })).by_a("service").key("k").signed();
    let first = platform.send(call.clone()).await;
    assert_eq!(first.json()["changed"], json!(["name"]));
    assert_eq!(patched(&platform, &id, &json!({ "name": "Twice" })).await.status, 200);
    let again = platform.send_to(1, call).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), "true"));
    assert_eq!(shown(&platform, &id).await["tenant"]["name"], "Twice");
    let other = patch(&id, &json!({ "name": "Other" })).by_a("service").key("k").signed();
    platform.send(other).await.assert_problem(422, "idempotency_key_reused");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn everything_wrong_with_a_change_is_told_at_once(database: PgPool) {
    let (platform, id) = platform(&database).await;
    let body = json!({
        "name": null, "email": "a", "region": "mars", "compliance": ["a b"], "metadata": [], "subdomain": "x", "plan": "pro",
    });
    let reply = patched(&platform, &id, &body).await;
    reply.assert_problem(422, "invalid_fields");
    let expected = [
        ("/name", "required"),
        ("/email", "invalid_email"),
        ("/region", "unknown_region"),
        ("/compliance/0", "invalid_tag"),
        ("/metadata", "not_an_object"),
        ("/plan", "unknown_field"),
        ("/subdomain", "unknown_field"),
    ];
    assert_eq!(reply.field_errors(), expected.map(|(place, code)| (place.to_owned(), code.to_owned())));

    let unmet = [
        (json!({ "region": "us-east" }), "conflict", "/region"),
        (json!({ "compliance": ["gdpr", "hipaa"] }), "compliance_unmet", "/compliance"),
    ];
    for (body, code, pointer) in unmet {
        let reply = patched(&platform, &id, &body).await;
        let problem = reply.assert_problem(409, code);
        assert_eq!(reply.field_errors(), [(pointer.to_owned(), code.to_owned())], "{problem}");
    }
    // A region that takes nobody any more is no mistake of those who live there.
    sqlx::query("update tenants set region = 'eu-central'").execute(&database).await.unwrap();
    sqlx::query("update clusters set state = 'draining'").execute(&database).await.unwrap();
    crate::support::eventually(async || {
        let body = json!({ "region": "us-east", "name": "Acme" });
        patched(&platform, &id, &body).await.status == 422
    })
    .await;
    let reply = patched(&platform, &id, &json!({ "region": "eu-central", "name": "Still here" })).await;
    assert_eq!(reply.json()["changed"], json!(["name"]), "{}", reply.text());
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_owner_changes_what_is_theirs_and_not_where_it_lives(database: PgPool) {
    let (platform, id) = platform(&database).await;
    let foreign = active(&platform, "other").await;
    let owner = Claims::owner(&[&id]);
    let as_owner = async |id: &str, body: &Value| platform.send(patch(id, body).by(&owner).signed()).await;
    let own = json!({ "name": "Mine", "email": "eve@acme.example", "metadata": { "a": 1 }, "region": null });
    let changed = as_owner(&id, &own).await;
    assert_eq!(changed.json()["changed"], json!(["name", "email", "metadata"]), "{}", changed.text());
    let refused =
        as_owner(&id, &json!({ "name": "X", "region": "eu-central", "compliance": ["gdpr"] })).await;
    refused.assert_problem(403, "forbidden");
    let places: Vec<_> = refused.field_errors().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/region", "/compliance"]);
    assert_eq!(shown(&platform, &id).await["tenant"]["name"], "Mine");

    as_owner(&foreign, &own).await.assert_problem(404, "not_found");
    as_owner("nobody", &own).await.assert_problem(404, "not_found");
    let unsigned = platform.send(patch(&id, &own).by(&owner)).await;
    unsigned.assert_problem(401, "signature_missing");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nothing_is_changed_of_what_is_going_or_came_to_nothing(database: PgPool) {
    let (platform, id) = platform(&database).await;
    for status in ["deleting", "deleted", "failed"] {
        let settle = sqlx::query("update tenants set status = $1").bind(status);
        settle.execute(&database).await.unwrap();
        for body in [json!({ "name": "Late" }), json!({})] {
            let problem = patched(&platform, &id, &body).await.assert_problem(409, "conflict");
            assert!(problem["detail"].as_str().unwrap().contains(status), "{problem}");
        }
    }
    for status in ["provisioning", "suspended", "migrating"] {
        let settle = sqlx::query("update tenants set status = $1").bind(status);
        settle.execute(&database).await.unwrap();
        assert_eq!(
            patched(&platform, &id, &json!({ "name": status })).await.json()["changed"],
            json!(["name"])
        );
    }
    let made = Call::post("/shared-instances", &json!({ "name": "shared-1" })).by_a("admin").signed();
    let shared = platform.send(made).await.json()["id"].as_str().unwrap().to_owned();
    let call = patch(&shared, &json!({ "name": "Mine" })).by_a("admin").signed();
    platform.send(call).await.assert_problem(409, "conflict");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn of_many_who_change_different_fields_at_once_none_undoes_anothers(database: PgPool) {
    let (platform, id) = platform(&database).await;
    for round in 0..8 {
        let bodies = [
            json!({ "name": format!("Acme {round}") }),
            json!({ "email": format!("a{round}@acme.example") }),
            json!({ "metadata": { "round": round } }),
            json!({ "compliance": if round % 2 == 0 { json!(["gdpr"]) } else { json!([]) } }),
        ];
        let send = |n: usize| {
            let call = patch(&id, &bodies[n]).by_a("service").key(&format!("{round}-{n}"));
            platform.send_to(n % 2, call.signed())
        };
        let replies = tokio::join!(send(0), send(1), send(2), send(3));
        for reply in [&replies.0, &replies.1, &replies.2, &replies.3] {
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.json()["changed"].as_array().unwrap().len(), 1);
        }
        let now = shown(&platform, &id).await["tenant"].clone();
        for body in bodies {
            for (field, value) in body.as_object().unwrap() {
                assert_eq!(now[field], *value, "round {round}: {field}");
            }
        }
    }
    platform.stop().await;
}
