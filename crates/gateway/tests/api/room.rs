//! Tenants that no cluster can hold.

use futures::future::join_all;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::{Call, Platform, Record, Reply, tenant};

async fn cluster(database: &PgPool, id: &str, cpu_millis: i32, connections: i32, subnets: i32) {
    let insert =
        "insert into clusters (id, region, engine, subnets, cpu_millis, memory_mb, connections_usable,
            connections_committed, subnets_usable, subnets_committed, counted_at)
        values ($1, 'local', 'docker', '10.0.0.0/16', $2, 8192, $3, 0, $4, 0, now())";
    let insert = sqlx::query(insert).bind(id).bind(cpu_millis).bind(connections).bind(subnets);
    insert.execute(database).await.unwrap();
}

async fn create(platform: &Platform, subdomain: &str, plan: &str) -> Reply {
    create_at(0, platform, subdomain, plan).await
}

/// Signed so many seconds from now: what was refused has used its signature up.
async fn create_at(seconds: i64, platform: &Platform, subdomain: &str, plan: &str) -> Reply {
    let mut body = tenant(subdomain);
    body["plan"] = Value::from(plan);
    platform.send(Call::post("/tenants", &body).by_a("service").key(subdomain).signed_at(seconds)).await
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_plan_whose_containers_fit_nowhere_is_refused_with_the_figures(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    assert_eq!(create(&platform, "early", "enterprise").await.status, 201, "nothing is known yet");
    cluster(&database, "two-cores", 2000, 1000, 100).await;
    let refused = create(&platform, "large", "enterprise").await;
    refused.assert_problem(409, "plan_too_large");
    let told = refused.json();
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("4 cores and 4096 MB") && detail.contains("2 and 8192 MB"), "{detail}");
    assert_eq!(told["errors"][0]["pointer"], "/plan");
    assert_eq!(Record::count(&database).await.of("tenants"), 1);
    assert_eq!(create(&platform, "fits", "pro").await.status, 201);

    cluster(&database, "eight-cores", 8000, 1000, 100).await;
    let accepted = create_at(100, &platform, "large", "enterprise").await;
    assert_eq!(accepted.status, 201, "the refusal was not kept");
    sqlx::query("update clusters set state = 'draining' where id = 'eight-cores'")
        .execute(&database)
        .await
        .unwrap();
    create(&platform, "another", "enterprise").await.assert_problem(409, "plan_too_large");
    let repeated = create(&platform, "large", "enterprise").await;
    assert_eq!(repeated.status, 201);
    assert_eq!(repeated.header("idempotency-replayed"), "true");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn tenants_that_the_database_cannot_connect_are_refused_before_they_harm(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    // Two of `starter`, whose role may open 15, and no third.
    cluster(&database, "small", 2000, 44, 100).await;
    for subdomain in ["one", "two"] {
        assert_eq!(create(&platform, subdomain, "starter").await.status, 201);
    }
    let refused = create(&platform, "three", "starter").await;
    refused.assert_problem(409, "no_room");
    let told = refused.json();
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("takes 15 connections") && detail.contains("more than 14"), "{detail}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_last_places_are_given_once_however_many_ask_together(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    cluster(&database, "narrow", 2000, 1000, 3).await;
    let ask = async |n: usize| {
        let call =
            Call::post("/tenants", &tenant(&format!("tenant-{n}"))).by_a("service").key(&n.to_string());
        platform.send_to(n % 2, call.signed()).await
    };
    let replies = join_all((0..20).map(ask)).await;
    let (accepted, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!(accepted.len(), 3);
    refused.iter().for_each(|reply| drop(reply.assert_problem(409, "no_room")));
    // Counted before the last of them was seen: nobody is given a place for that.
    sqlx::query("update clusters set counted_at = now()").execute(&database).await.unwrap();
    create(&platform, "late", "starter").await.assert_problem(409, "no_room");
    assert_eq!(Record::count(&database).await.of("tenants"), 3);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn room_in_another_region_or_where_less_is_complied_with_is_none(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    cluster(&database, "full", 2000, 1000, 0).await;
    cluster(&database, "large", 8000, 1000, 100).await;
    let execute = async |statement: &'static str| sqlx::query(statement).execute(&database).await.unwrap();
    execute("update clusters set region = 'eu', compliance = '{gdpr}' where id = 'full'").await;
    execute("update clusters set region = 'us' where id = 'large'").await;
    let ask = async |subdomain: &str, plan: &str, region: Value, compliance: Value| {
        let mut body = tenant(subdomain);
        (body["plan"], body["region"], body["compliance"]) = (Value::from(plan), region, compliance);
        platform.send(Call::post("/tenants", &body).by_a("service").signed()).await
    };
    let (eu, gdpr) = (Value::from("eu"), serde_json::json!(["GDPR"]));
    let refused = ask("one", "starter", eu.clone(), Value::Null).await;
    assert!(refused.assert_problem(409, "no_room")["detail"].as_str().unwrap().contains("subnet"));
    ask("two", "starter", Value::Null, gdpr.clone()).await.assert_problem(409, "no_room");
    let refused = ask("three", "enterprise", eu.clone(), Value::Null).await;
    assert!(refused.assert_problem(409, "plan_too_large")["detail"].as_str().unwrap().contains("2 and 8192"));
    assert_eq!(ask("four", "starter", Value::Null, Value::Null).await.status, 201);
    // The last place of that region, which is given one after the other.
    execute("update clusters set subnets_usable = 1 where id = 'full'").await;
    assert_eq!(ask("five", "starter", eu.clone(), gdpr).await.status, 201);
    ask("six", "starter", eu, Value::Null).await.assert_problem(409, "no_room");
    let homes = "select subdomain || ' ' || cluster_id from tenants order by 1";
    let homes: Vec<String> = sqlx::query_scalar(homes).fetch_all(&database).await.unwrap();
    assert_eq!(homes, ["five full", "four large"]);
    platform.stop().await;
}
