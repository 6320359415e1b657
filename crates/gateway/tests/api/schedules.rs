//! Schedules listed, paused and resumed, and what they do.

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{Call, Platform, Reply, tenant};

async fn declared(database: &PgPool) -> Platform {
    gateway::runner(database, gateway::JobSettings::default()).unwrap().declare().await.unwrap();
    Platform::on(database.clone()).await
}

async fn steer(platform: &Platform, name: &str, verb: &str, key: &str) -> Reply {
    let call = Call::post(&format!("/schedules/{name}/{verb}"), &json!({ "reason": "because" }));
    platform.send(call.by_a("operator").key(key).signed()).await
}

async fn listed(platform: &Platform, query: &str) -> Value {
    platform.send(Call::get(&format!("/schedules{query}")).by_a("service")).await.json()
}

async fn named(platform: &Platform, name: &str) -> Value {
    let all = listed(platform, "").await;
    all["data"].as_array().unwrap().iter().find(|schedule| schedule["name"] == name).unwrap().clone()
}

/// Lets this schedule be due, and runs it.
async fn fire(database: &PgPool, name: &str) {
    fire_as(database, name, gateway::JobSettings::default()).await;
}

/// The same, as it is configured.
pub async fn fire_as(database: &PgPool, name: &str, settings: gateway::JobSettings) {
    let runner = gateway::runner(database, settings).unwrap();
    runner.declare().await.unwrap();
    // Each moment fires once: this one may have fired already.
    let forget = sqlx::query("delete from schedule_firings where schedule = $1").bind(name);
    forget.execute(database).await.unwrap();
    let due = "update schedules set next_due = date_trunc('minute', now()) - interval '6 minutes', fires_at = now(),
                      misses = 'catch_up' where name = $1";
    sqlx::query(due).bind(name).execute(database).await.unwrap();
    runner.fire_due().await.unwrap();
    while runner.run_next(&CancellationToken::new()).await.unwrap().is_some() {}
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn schedules_are_listed_by_name_page_after_page(database: PgPool) {
    let platform = declared(&database).await;
    let first = listed(&platform, "?limit=1").await;
    let schedule = &first["data"][0];
    assert!(schedule["next_due_at"].as_str().unwrap().ends_with("T03:30:00Z"), "{schedule}");
    let mut shown = schedule.clone();
    shown.as_object_mut().unwrap().remove("next_due_at");
    let expected = json!({
        "name": "audit.verify", "job": "audit.verify", "tenant_id": null, "cluster": null, "cron": "30 3 * * *",
        "zone": "UTC", "misses": "catch_up", "jitter_seconds": 300, "paused": null, "last_firing": null,
    });
    assert_eq!(shown, expected);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = listed(&platform, &format!("?limit=2&cursor={cursor}")).await;
    let names: Vec<_> = rest["data"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(
        (names, &rest["next_cursor"]),
        (vec![json!("promotions.scan"), json!("retention")], &Value::Null)
    );
    let wrong = platform.send(Call::get("/schedules?limit=0&cursor=x&page=2").by_a("admin")).await;
    wrong.assert_problem(422, "invalid_fields");
    assert_eq!(wrong.field_errors().len(), 3);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_pause_tells_who_and_why_and_is_noted(database: PgPool) {
    let platform = declared(&database).await;
    let paused = steer(&platform, "retention", "pause", "a").await;
    assert_eq!(
        (paused.status.as_u16(), paused.json()),
        (200, json!({ "name": "retention", "paused": true }))
    );
    let pause = named(&platform, "retention").await["paused"].clone();
    assert_eq!((&pause["by"], &pause["reason"]), (&json!("operator-1"), &json!("because")));

    // Again: by somebody else it changes nothing, under its key it gets its answer, with another body a refusal.
    let again = Call::post("/schedules/retention/pause", &json!({ "reason": "mine" })).by_a("admin").key("a");
    assert_eq!(platform.send(again.signed()).await.status, 200);
    assert_eq!(named(&platform, "retention").await["paused"], pause);
    assert_eq!(steer(&platform, "retention", "pause", "a").await.header("idempotency-replayed"), "true");
    steer(&platform, "audit.verify", "pause", "a").await.assert_problem(422, "idempotency_key_reused");

    assert_eq!(steer(&platform, "retention", "resume", "b").await.json()["paused"], false);
    assert_eq!(named(&platform, "retention").await["paused"], Value::Null);
    // The earlier request is not done again, whenever it comes.
    assert_eq!(steer(&platform, "retention", "pause", "a").await.status, 200);
    assert_eq!(named(&platform, "retention").await["paused"], Value::Null);

    let noted: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "select actor, action, reason from audit_logs where outcome = 'accepted' order by at, id",
    )
    .fetch_all(&database)
    .await
    .unwrap();
    let entry = |actor: &str, action: &str, reason: &str| {
        (actor.to_owned(), action.to_owned(), Some(format!("retention: {reason}")))
    };
    assert_eq!(
        noted,
        [
            entry("operator-1", "schedule.pause", "because"),
            entry("admin-1", "schedule.pause", "mine"),
            entry("operator-1", "schedule.resume", "because"),
        ]
    );
    let told: Vec<String> =
        sqlx::query_scalar("select kind from event_outbox order by seq").fetch_all(&database).await.unwrap();
    assert_eq!(told, ["schedule.paused", "schedule.resumed"]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_not_there_cannot_be_paused(database: PgPool) {
    let platform = declared(&database).await;
    sqlx::query("update schedules set retired_at = now() where name = 'retention'")
        .execute(&database)
        .await
        .unwrap();
    for name in ["retention", "nothing", "%00", "a%0Ab"] {
        steer(&platform, name, "pause", name).await.assert_problem(404, "not_found");
    }
    let unexplained = Call::post("/schedules/audit.verify/pause", &json!({})).by_a("admin");
    platform.send(unexplained.signed()).await.assert_problem(422, "invalid_fields");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_log_that_was_tampered_with_fails_its_firing_and_says_where(database: PgPool) {
    let platform = declared(&database).await;
    for subdomain in ["one", "two", "three"] {
        platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("service").signed()).await;
    }
    common::audit::seal(&database).await.unwrap();
    fire(&database, "audit.verify").await;
    let last = listed(&platform, "").await["data"][0]["last_firing"].clone();
    assert_eq!(
        (&last["state"], &last["attempts"], &last["error"]),
        (&json!("done"), &json!(1), &Value::Null)
    );

    sqlx::query("update audit_logs set actor = 'nobody' where position = 2")
        .execute(&database)
        .await
        .unwrap();
    sqlx::query("delete from schedule_firings").execute(&database).await.unwrap();
    fire(&database, "audit.verify").await;
    let last = listed(&platform, "").await["data"][0]["last_firing"].clone();
    let expected = json!({
        "kind": "conflict", "detail": "The audit log was tampered with: row 2 was altered.",
    });
    assert_eq!((&last["state"], &last["attempts"], &last["error"]), (&json!("failed"), &json!(1), &expected));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn retention_forgets_what_is_old(database: PgPool) {
    let platform = declared(&database).await;
    platform.send(Call::post("/tenants", &tenant("acme")).by_a("service").key("k").signed()).await;
    let age = "update idempotency_keys set created_at = now() - interval '25 hours'";
    sqlx::query(age).execute(&database).await.unwrap();
    fire(&database, "retention").await;
    let kept: i64 =
        sqlx::query_scalar("select count(*) from idempotency_keys").fetch_one(&database).await.unwrap();
    assert_eq!(kept, 0);
    assert_eq!(named(&platform, "retention").await["last_firing"]["state"], "done");
    platform.stop().await;
}
