//! Numbers of what is gone go back to nothing, at every gateway.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use crate::support::{Call, Replica, garbled, keep, tenant};

/// Prometheus asks each 15 s, and a count may just have been made.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// What a gateway says of this series.
async fn told(replica: &Replica, series: &str) -> Option<String> {
    let reply = replica.send(Call::get("/metrics").by_a("admin")).await?;
    let text = reply.text();
    let line = text.lines().find(|line| line.starts_with(series))?;
    line.rsplit_once(' ').map(|(_, value)| value.to_owned())
}

/// Waits until every gateway says so of every one of these.
async fn until(replicas: &[Replica], series: &[&str], value: &str) {
    let so = async {
        for (replica, series) in
            replicas.iter().flat_map(|replica| series.iter().map(move |one| (replica, one)))
        {
            while told(replica, series).await.as_deref() != Some(value) {
                sleep(Duration::from_millis(100)).await;
            }
        }
    };
    timeout(TOLD_WITHIN, so).await.unwrap_or_else(|_| panic!("{series:?} become {value}"));
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn numbers_of_what_is_gone_go_back_to_nothing(database: PgPool) {
    let create = Call::post("/tenants", &tenant("acme")).by_a("service").signed();
    let letter = format!("/dead-letters/{}", keep(&database, &garbled("rp9.test.a")).await);
    let replicas = [Replica::start(&database, &[], None).await, Replica::start(&database, &[], None).await];
    let created = replicas[0].send(create).await.unwrap();
    assert_eq!(created.status, 201);
    sqlx::query("update operations set status = 'stuck'").execute(&database).await.unwrap();
    let gauges = [
        "rp9_tenants_total{mode=\"dedicated\",status=\"provisioning\",plan=\"pro\"}",
        "rp9_operations_stuck{kind=\"tenant.create\"}",
        "rp9_dead_letters{service=\"provisioner\",reason=\"malformed\"}",
    ];
    until(&replicas, &gauges, "1").await;

    let decided = replicas[1].send(Call::delete(&letter).by_a("admin").signed()).await.unwrap();
    assert_eq!(decided.status, 200);
    for change in [
        "update tenants set status = 'deleted'",
        "update operations set status = 'abandoned', finished_at = now()",
    ] {
        sqlx::query(change).execute(&database).await.unwrap();
    }
    until(&replicas, &gauges, "0").await;
    until(&replicas, &["rp9_shared_n8n_tenants", "rp9_shared_n8n_capacity"], "0").await;
    until(&replicas, &["rp9_operations_waiting"], "0").await;
    // A series for each tenant would stay for ever, and there would be ever more of them: none is named.
    let id = created.json()["tenant_id"].as_str().unwrap().to_owned();
    for replica in &replicas {
        let told = replica.send(Call::get("/metrics").by_a("admin")).await.unwrap().text();
        assert!(![id.as_str(), &id[4..], "acme"].iter().any(|name| told.contains(name)), "{told}");
    }
}
