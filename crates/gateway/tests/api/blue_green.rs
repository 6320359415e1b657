//! Second sides: what is accepted, what is so already, what is refused and why, and what is shown of both.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Call, Claims, Platform, Reply, tenant};

/// A tenant with an n8n of its own, of the former release.
async fn acme(platform: &Platform, database: &PgPool) -> String {
    let mut body = tenant("acme");
    body["n8n_version"] = "2.40.7".into();
    let created = platform.send(Call::post("/tenants", &body).by_a("admin").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    ended(database).await;
    set(database, "update tenants set status = 'active'").await;
    created.json()["tenant_id"].as_str().unwrap().to_owned()
}

async fn set(database: &PgPool, change: &'static str) {
    sqlx::query(change).execute(database).await.unwrap();
}

async fn ended(database: &PgPool) {
    set(database, "update operations set status = 'succeeded', finished_at = now()").await;
}

async fn turn_under(platform: &Platform, key: &str, body: &Value) -> Reply {
    let call = Call::post("/tenants/acme/blue-green", body).by_a("operator");
    platform.send(call.key(key).signed()).await
}

async fn turn(platform: &Platform, body: Value) -> Reply {
    turn_under(platform, &Uuid::now_v7().to_string(), &body).await
}

async fn accepted(database: &PgPool) -> Vec<Value> {
    let rows = "select request from operations where kind = 'tenant.blue_green' order by created_at";
    sqlx::query_scalar(rows).fetch_all(database).await.unwrap()
}

#[track_caller]
fn told(reply: &Reply) -> String {
    reply.assert_problem(409, "conflict")["detail"].as_str().unwrap().to_owned()
}

const TWO: &str = "update tenants set second_version = '2.41.1', second_weight = 10";
const SWAPPED: &str =
    "update tenants set active_color = 'green', n8n_version = '2.41.1', second_version = '2.40.7',
                              second_weight = 0, second_is_former = true";

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_asked_for_is_an_operation_and_again_it_is_the_same(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = acme(&platform, &database).await;
    let body = json!({ "action": "create_green", "n8n_version": "2.41.1", "reason": "We try it." });
    let first = turn_under(&platform, "one", &body).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let operation = first.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/operations/{operation}"));
    let answer = json!({ "tenant_id": id, "operation_id": operation, "status": "active", "already": false });
    assert_eq!(first.json(), answer, "callers notice nothing");
    let request =
        json!({ "action": "create", "color": "green", "n8n_version": "2.41.1", "pre_backup": true });
    assert_eq!(accepted(&database).await, [request]);
    let joined = turn(&platform, json!({ "action": "create_green", "n8n_version": "2.41.1" })).await;
    assert_eq!((joined.status.as_u16(), &joined.json()["already"]), (202, &json!(true)));
    let other = told(&turn(&platform, json!({ "action": "create_green" })).await);
    assert!(other.contains(&operation) && other.contains("something else"), "{other}");

    ended(&database).await;
    set(&database, TWO).await;
    let again = turn_under(&platform, "one", &body).await;
    assert_eq!((again.status.as_u16(), again.text()), (202, first.text()));
    for so in [
        json!({ "action": "create_green", "n8n_version": "2.41.1" }),
        json!({ "action": "set_weight", "weight": 10 }),
        json!({ "action": "set_weight", "weight": 90, "to": "blue" }),
    ] {
        let reply = turn(&platform, so).await;
        let answer = json!({ "tenant_id": id, "operation_id": null, "status": "active", "already": true });
        assert_eq!((reply.status.as_u16(), reply.json()), (200, answer));
    }
    assert_eq!(accepted(&database).await.len(), 1);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_does_not_fit_the_sides_is_refused_with_the_reason(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database).await;
    let refused = async |body: Value| told(&turn(&platform, body).await);
    for (action, words) in [
        ("create_blue", "blue is the side that serves"),
        ("swap", "no green side"),
        ("rollback", "no green side"),
        ("cleanup_blue", "it is not removed"),
    ] {
        let detail = refused(json!({ "action": action })).await;
        assert!(detail.contains(words), "{detail}");
    }
    assert_eq!(turn(&platform, json!({ "action": "cleanup_green" })).await.status, 200, "there is none");
    set(&database, "update tenants set n8n_version = '2.41.1'").await;
    let older = refused(json!({ "action": "create_green", "n8n_version": "2.40.7" })).await;
    assert!(older.contains("runs n8n 2.41.1") && older.contains("does not go back to 2.40.7"), "{older}");
    set(&database, TWO).await;
    let serving = refused(json!({ "action": "cleanup_green" })).await;
    assert!(serving.contains("answers 10 of a hundred calls"), "{serving}");
    set(&database, "update tenants set status = 'suspended'").await;
    let rests = refused(json!({ "action": "swap" })).await;
    assert!(rests.contains("The tenant is suspended"), "{rests}");
    for (body, pointer, code) in [
        (json!({ "action": "paint" }), "/action", "unknown_action"),
        (json!({ "action": "set_weight" }), "/weight", "weight_required"),
        (json!({ "action": "set_weight", "weight": 101 }), "/weight", "out_of_range"),
        (json!({ "action": "swap", "pre_backup": true }), "/pre_backup", "not_for_this"),
    ] {
        let reply = turn(&platform, body.clone()).await;
        reply.assert_problem(422, "invalid_fields");
        assert_eq!(reply.field_errors(), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn going_back_is_a_share_of_nothing_or_a_swap(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database).await;
    let back = json!({ "action": "rollback" });
    for (sides, request) in [
        (TWO, json!({ "action": "set_weight", "color": "green", "weight": 0 })),
        (SWAPPED, json!({ "action": "swap", "to": "blue" })),
    ] {
        set(&database, sides).await;
        assert_eq!(turn(&platform, back.clone()).await.status, 202, "{sides}");
        assert_eq!(accepted(&database).await.last(), Some(&request));
        ended(&database).await;
    }
    set(&database, "update tenants set second_is_former = false, second_weight = 0").await;
    assert_eq!(turn(&platform, back).await.status, 200, "there is nothing to go back from");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn without_a_place_for_backups_nothing_is_tried_unless_nobody_wants_that(database: PgPool) {
    let platform = Platform::configured(database.clone(), &[("S3_BUCKET", "")]).await;
    acme(&platform, &database).await;
    turn(&platform, json!({ "action": "create_green" })).await.assert_problem(422, "backups_off");
    let untried = turn(&platform, json!({ "action": "create_green", "pre_backup": false })).await;
    assert_eq!(untried.status, 202, "{}", untried.text());
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn both_sides_are_shown_with_what_is_known_of_them_and_why_the_rest_is_not(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = acme(&platform, &database).await;
    let show =
        async |claims: &Claims| platform.send(Call::get("/tenants/acme/blue-green/status").by(claims)).await;
    let owner = Claims::owner(&[&id]);
    let one = show(&owner).await.json();
    assert_eq!(one["data"]["active"], "blue");
    assert_eq!(one["data"]["sides"].as_array().unwrap().len(), 1);
    assert_eq!(one["data"]["sides"][0]["error_rate"], Value::Null);
    assert!(one["data"]["sides"][0]["missing"].as_str().unwrap().contains("while there are two"), "{one}");

    set(&database, TWO).await;
    let answers =
        |calls: u64, failed: u64| json!({ "calls": calls, "failed": failed, "within": [[0.1, calls]] });
    for (color, ago, counted) in [
        ("blue", "2 minutes", answers(100, 5)),
        ("blue", "1 minute", answers(190, 5)),
        ("green", "2 minutes", answers(0, 0)),
        ("green", "1 minute", answers(10, 1)),
    ] {
        let read = "insert into side_readings (tenant_id, host, color, webhooks, read_at, started_at, answers)
            select id, 'acme.localhost', $1, true, now() - $2::interval, date_trunc('day', now()), $3 from tenants";
        sqlx::query(read).bind(color).bind(ago).bind(counted).execute(&database).await.unwrap();
    }
    let two = show(&owner).await.json();
    let figures: Vec<_> = two["data"]["sides"]
        .as_array()
        .unwrap()
        .iter()
        .map(|side| {
            json!([side["color"], side["n8n_version"], side["weight"], side["calls"], side["error_rate"]])
        })
        .collect();
    assert_eq!(
        figures,
        [json!(["blue", "2.40.7", 90, 90, 0.0]), json!(["green", "2.41.1", 10, 10, 0.1])],
        "{two}"
    );
    let other = Claims::owner(&[&common::id::TenantId::generate().to_string()]);
    show(&other).await.assert_problem(404, "not_found");
    set(&database, "update tenants set second_version = null, second_weight = 0, mode = 'shared'").await;
    show(&owner).await.assert_problem(422, "shared_tenant");
    platform.stop().await;
}
