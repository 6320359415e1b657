//! A later release for many tenants: who is meant, what is refused and why, what is answered again, and how it is called off.

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    sandboxes::put_sandbox,
    support::{Call, Platform, Reply, tenant},
};

const OLDER: &str = "2.40.7";
const LATER: &str = "2.41.1";

/// A tenant with an n8n of its own, of this plan and release.
async fn put(
    platform: &Platform,
    database: &PgPool,
    subdomain: &str,
    (plan, version): (&str, &str),
) -> String {
    let mut body = tenant(subdomain);
    body["plan"] = plan.into();
    let created = platform.send(Call::post("/tenants", &body).by_a("admin").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let is = "update tenants set status = 'active', n8n_version = $2 where subdomain = $1";
    sqlx::query(is).bind(subdomain).bind(version).execute(database).await.unwrap();
    set(database, "update operations set status = 'succeeded', finished_at = now()").await;
    created.json()["tenant_id"].as_str().unwrap().to_owned()
}

async fn set(database: &PgPool, change: &'static str) {
    sqlx::query(change).execute(database).await.unwrap();
}

async fn start_under(platform: &Platform, key: &str, body: &Value) -> Reply {
    platform.send(Call::post("/upgrades", body).by_a("operator").key(key).signed()).await
}

async fn start(platform: &Platform, body: &Value) -> Reply {
    start_under(platform, &Uuid::now_v7().to_string(), body).await
}

async fn shown(platform: &Platform, reply: &Reply) -> Value {
    let shown = platform.send(Call::get(reply.header("location")).by_a("operator").signed()).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    shown.json()
}

async fn cancel(platform: &Platform, id: &str) -> Reply {
    let body = json!({ "reason": "Too many calls." });
    let call = Call::post(&format!("/upgrades/{id}/cancel"), &body).by_a("operator");
    platform.send(call.key(&Uuid::now_v7().to_string()).signed()).await
}

/// Whose turn it is, in their order.
async fn turns(database: &PgPool) -> Vec<String> {
    let turns = "select t.subdomain from rollout_tenants i join tenants t on t.id = i.tenant_id join rollouts r on r.id = i.rollout_id
                  where r.created_at = (select max(created_at) from rollouts) order by i.ordinal";
    sqlx::query_scalar(turns).fetch_all(database).await.unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn those_are_meant_who_run_an_earlier_release_in_an_n8n_of_their_own(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let big = put(&platform, &database, "big", ("enterprise", OLDER)).await;
    for (subdomain, plan, version) in [
        ("first", "starter", OLDER),
        ("done", "starter", LATER),
        ("newer", "starter", "2.99.0"),
        ("second", "starter", "2.9.10"),
        ("middle", "pro", OLDER),
        ("odd", "pro", "nightly"),
        ("guest", "pro", OLDER),
        ("gone", "pro", OLDER),
        ("asleep", "pro", OLDER),
    ] {
        put(&platform, &database, subdomain, (plan, version)).await;
    }
    put_sandbox(&database, big.parse().unwrap(), "big-restore-20260801").await;
    set(&database, "update tenants set mode = 'shared' where subdomain = 'guest'").await;
    set(&database, "update tenants set status = 'deleting' where subdomain = 'gone'").await;
    set(&database, "update tenants set status = 'suspended' where subdomain = 'asleep'").await;
    let asked = json!({ "n8n_version": LATER, "concurrency": 5, "max_failures": 1, "reason": "It is new." });
    let started = start(&platform, &asked).await;
    assert_eq!(started.status, 202, "{}", started.text());
    assert_eq!(turns(&database).await, ["second", "first", "asleep", "middle", "big"]);
    let answer = started.json();
    assert_eq!(
        (&answer["status"], &answer["tenants"], &answer["n8n_version"]),
        (&json!("running"), &json!(5), &json!(LATER))
    );
    let shown = shown(&platform, &started).await;
    assert_eq!(shown["to_look_at"], json!([]));
    let told = &shown["data"];
    assert_eq!(
        told["tenants"],
        json!({ "waiting": 5, "running": 0, "succeeded": 0, "failed": 0, "skipped": 0 })
    );
    assert_eq!(
        (&told["concurrency"], &told["max_failures"], &told["selection"]),
        (&json!(5), &json!(1), &json!({}))
    );
    assert_eq!(
        (&told["reason"], &told["asked_by"], &told["ended_at"]),
        (&json!("It is new."), &json!("operator-1"), &Value::Null)
    );
    let audit: Vec<(String, String)> =
        sqlx::query_as("select action, reason from audit_logs where action like 'rollout.%'")
            .fetch_all(&database)
            .await
            .unwrap();
    let id = answer["id"].as_str().unwrap();
    assert_eq!(audit, [("rollout.create".to_owned(), format!("{id}, {LATER}: It is new."))]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn those_are_meant_for_whom_all_holds_that_was_said_and_who_is_named_by_mistake_is_told(
    database: PgPool,
) {
    let platform = Platform::on(database.clone()).await;
    // It takes no more tenants, and will have some.
    set(&database, "insert into clusters (id, region, engine, subnets, state) values ('full', 'eu-central', 'docker', '10.1.0.0/16', 'draining')").await;
    let acme = put(&platform, &database, "acme", ("pro", OLDER)).await;
    put(&platform, &database, "small", ("starter", OLDER)).await;
    put(&platform, &database, "guest", ("pro", OLDER)).await;
    put(&platform, &database, "gone", ("pro", OLDER)).await;
    put(&platform, &database, "odd", ("pro", "nightly")).await;
    set(&database, "update tenants set status = 'deleting' where subdomain = 'gone'").await;
    set(&database, "update tenants set mode = 'shared' where subdomain = 'guest'").await;
    set(&database, "update tenants set cluster_id = 'full' where subdomain <> 'acme'").await;
    for (selection, meant) in [
        (json!({ "plans": ["pro"] }), &["acme"][..]),
        (json!({ "tenants": [acme, "small"] }), &["small", "acme"]),
        (json!({ "tenants": ["small"], "plans": ["pro"] }), &[]),
        (json!({ "regions": ["eu-central"] }), &["small"]),
        (json!({}), &["small", "acme"]),
    ] {
        let started = start(&platform, &json!({ "n8n_version": LATER, "selection": selection })).await;
        assert_eq!(started.status, 202, "{selection}: {}", started.text());
        assert_eq!(turns(&database).await, meant, "{selection}");
        let told = shown(&platform, &started).await;
        assert_eq!(told["data"]["selection"], selection);
        // Nothing is to be done: it is over.
        let status = if meant.is_empty() { "succeeded" } else { "running" };
        assert_eq!(
            (&told["data"]["status"], &started.json()["status"]),
            (&json!(status), &json!(status)),
            "{selection}"
        );
        set(&database, "update rollouts set status = 'succeeded', ended_at = now() where status = 'running'")
            .await;
    }
    let refused = start(
        &platform,
        &json!({ "n8n_version": LATER, "selection": { "tenants": ["acme", "nobody", "guest", "gone", "odd"] } }),
    )
    .await;
    let errors = refused.assert_problem(422, "invalid_fields")["errors"].to_string();
    for words in [
        "/selection/tenants/1",
        "unknown_tenant",
        "/selection/tenants/2",
        "shared_tenant",
        "/selection/tenants/3",
        "tenant_ended",
        "/selection/tenants/4",
        "unknown_version",
    ] {
        assert!(errors.contains(words), "{errors}");
    }
    assert!(!errors.contains("/selection/tenants/0"), "{errors}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn one_is_under_way_at_a_time_and_a_repeat_gets_its_first_answer(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    put(&platform, &database, "acme", ("pro", OLDER)).await;
    let asked = json!({ "n8n_version": LATER });
    let replies = join_all((0..8).map(|_| start(&platform, &asked))).await;
    let accepted: Vec<_> = replies.iter().filter(|reply| reply.status == 202).collect();
    assert_eq!(accepted.len(), 1);
    let id = accepted[0].json()["id"].as_str().unwrap().to_owned();
    for refused in replies.iter().filter(|reply| reply.status != 202) {
        let detail = refused.assert_problem(409, "conflict")["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&id) && detail.contains("/cancel"), "{detail}");
    }
    // Also where nobody would be upgraded: what is under way stays the newest.
    let nobody = json!({ "n8n_version": OLDER, "selection": { "tenants": ["acme"] } });
    start(&platform, &nobody).await.assert_problem(409, "conflict");
    for _ in 0..2 {
        let cancelled = cancel(&platform, &id).await;
        assert_eq!(
            (cancelled.status.as_u16(), cancelled.json()),
            (200, json!({ "id": id, "status": "cancelled" }))
        );
    }
    let first = start_under(&platform, "one", &asked).await;
    set(&database, "update rollouts set status = 'stopped', ended_at = now() where status = 'running'").await;
    let again = start_under(&platform, "one", &asked).await;
    assert_eq!(
        (again.status.as_u16(), again.text(), again.header("idempotency-replayed")),
        (202, first.text(), "true")
    );
    start_under(&platform, "one", &json!({ "n8n_version": OLDER }))
        .await
        .assert_problem(422, "idempotency_key_reused");
    let over = cancel(&platform, first.json()["id"].as_str().unwrap()).await;
    assert!(over.assert_problem(409, "conflict")["detail"].as_str().unwrap().contains("is over"));

    let listed = platform.send(Call::get("/upgrades?limit=1").by_a("operator").signed()).await.json();
    assert_eq!(
        (&listed["data"][0]["id"], &listed["data"][0]["status"]),
        (&first.json()["id"], &json!("stopped"))
    );
    let next = format!("/upgrades?limit=1&cursor={}", listed["next_cursor"].as_str().unwrap());
    let listed = platform.send(Call::get(&next).by_a("operator").signed()).await.json();
    assert_eq!((&listed["data"][0]["id"], &listed["next_cursor"]), (&json!(id), &Value::Null));
    let told: Vec<String> = sqlx::query_scalar("select kind from event_outbox where kind like 'rollout.%' union all select kind from events where kind like 'rollout.%'")
        .fetch_all(&database)
        .await
        .unwrap();
    assert_eq!(told.iter().filter(|kind| *kind == "rollout.cancelled").count(), 1, "{told:?}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_is_upgraded_where_there_is_no_place_for_backups(database: PgPool) {
    let platform = Platform::configured(database.clone(), &[("S3_BUCKET", "")]).await;
    start(&platform, &json!({ "n8n_version": LATER })).await.assert_problem(422, "backups_off");
    start(&platform, &json!({ "n8n_version": "2.0.0" })).await.assert_problem(422, "invalid_fields");
    platform.stop().await;
}
