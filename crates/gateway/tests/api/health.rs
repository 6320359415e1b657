//! What probes are told.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, tenant};

async fn clusters_say(database: &PgPool, dependencies: serde_json::Value, seconds_ago: f64) {
    sqlx::query(
        "insert into clusters (id, region, engine, subnets, dependencies, heartbeat_at)
         values ('local', 'here', 'docker', '10.201.0.0/16', $1, now() - make_interval(secs => $2))",
    )
    .bind(dependencies)
    .bind(seconds_ago)
    .execute(database)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn with_the_record_the_api_is_up_though_the_bus_is_not(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    clusters_say(&database, json!({ "docker": "up", "redis": "up", "tenant_postgres": "up" }), 0.0).await;
    let healthz = platform.send(Call::get("/healthz")).await;
    assert_eq!((healthz.status.as_u16(), healthz.json()), (200, json!({ "status": "up" })));
    let detailed = platform.send(Call::get("/health/detailed")).await;
    assert_eq!(detailed.status, 200);
    let detailed = detailed.json();
    assert_eq!(detailed["status"], "degraded");
    let expected = json!({ "database": "up", "nats": "down", "provisioner": "up", "docker": "up", "redis": "up", "tenant_postgres": "up" });
    assert_eq!(detailed["dependencies"], expected);
    assert_eq!(detailed["system"]["clusters"], 1);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_needed_dependency_that_is_down_is_a_503(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    clusters_say(&database, json!({ "docker": "down", "redis": "up", "tenant_postgres": "up" }), 0.0).await;
    let detailed = platform.send(Call::get("/health/detailed")).await;
    assert_eq!((detailed.status.as_u16(), detailed.header("retry-after")), (503, "5"));
    assert_eq!(detailed.json()["status"], "down");
    assert_eq!(platform.send(Call::get("/healthz")).await.status, 200, "this process can still answer");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_store_that_takes_no_backups_is_told(database: PgPool) {
    for (store, seconds_ago, told) in
        [("up", 80.0, ["up", "up"]), ("down", 1.0, ["up", "down"]), ("up", 91.0, ["down", "unknown"])]
    {
        let platform = Platform::on(database.clone()).await;
        sqlx::query("delete from clusters").execute(&database).await.unwrap();
        clusters_say(&database, json!({ "docker": "up", "redis": "up", "tenant_postgres": "up" }), 0.0).await;
        let beat = "insert into backup_services (cluster_id, heartbeat_at, store) values ('local', now() - make_interval(secs => $2), $1)";
        sqlx::query(beat).bind(store).bind(seconds_ago).execute(&database).await.unwrap();
        let detailed = platform.send(Call::get("/health/detailed")).await;
        assert_eq!(detailed.status, 200, "everything else goes on");
        let dependencies = &detailed.json()["dependencies"];
        assert_eq!(
            [&dependencies["backup"], &dependencies["backup_store"]],
            told,
            "{store}, {seconds_ago} s ago"
        );
        platform.stop().await;
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_nobody_has_said_for_half_a_minute_is_unknown(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    clusters_say(&database, json!({ "docker": "up" }), 31.0).await;
    let ask = Call::get("/health/detailed");
    let anybody = platform.send(ask.clone()).await.json();
    assert_eq!((&anybody["clusters"], &anybody["system"]["silent_clusters"]), (&Value::Null, &json!(1)));
    assert!(!anybody.to_string().contains("local"), "no cluster is named: {anybody}");
    let owner = platform.send(ask.clone().by(&Claims::owner(&[]))).await.json();
    assert_eq!(owner["clusters"], Value::Null);
    let forged = Claims::of("admin").secret("somebody else's secret, long enough");
    platform.send(ask.clone().by(&forged)).await.assert_problem(401, "token_invalid");
    let detailed = platform.send(ask.by_a("service")).await.json();
    assert_eq!(detailed["dependencies"]["docker"], "unknown");
    assert_eq!(detailed["system"]["silent_clusters"], 1);
    // Who is missing is named, since when, and what that means.
    assert_eq!(
        (&detailed["status"], &detailed["dependencies"]["provisioner"]),
        (&json!("degraded"), &json!("down"))
    );
    let cluster = &detailed["clusters"][0];
    assert_eq!((&cluster["id"], &cluster["provisioner"]), (&json!("local"), &json!("down")));
    let seen = time::OffsetDateTime::parse(
        cluster["last_seen_at"].as_str().unwrap(),
        &time::format_description::well_known::Rfc3339,
    );
    assert!((30.0..60.0).contains(&(common::clock::now() - seen.unwrap()).as_seconds_f64()));
    assert!(cluster["detail"].as_str().unwrap().contains("Operations wait"), "{cluster}");
    platform.stop().await;
}

#[tokio::test]
async fn without_the_record_everything_is_a_503_that_says_when_to_come_back() {
    let platform = Platform::without_record().await;
    for path in ["/healthz", "/health/detailed"] {
        let reply = platform.send(Call::get(path)).await;
        assert_eq!((reply.status.as_u16(), reply.json()["status"].as_str()), (503, Some("down")), "{path}");
        assert_ne!(reply.header("retry-after"), "");
    }
    let calls = [
        Call::get("/tenants").by_a("admin"),
        Call::get("/tenants/acme").by_a("admin"),
        Call::post("/tenants", &tenant("acme")).by_a("admin").signed(),
        Call::delete("/tenants/acme").by_a("admin").key("k").signed(),
    ];
    for call in calls {
        let reply = platform.send(call).await;
        let problem = reply.assert_problem(503, "unavailable");
        assert_ne!(reply.header("retry-after"), "");
        assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    }
}
