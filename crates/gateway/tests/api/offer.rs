//! What is offered, and what is asked for and not to be had.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, tenant};

/// A cluster, as its provisioner writes it.
pub async fn cluster(database: &PgPool, id: &str, region: &str, compliance: &[&str]) {
    let row = "insert into clusters (id, region, engine, subnets, compliance)
               values ($1, $2, 'docker', '10.201.0.0/16', $3)";
    sqlx::query(row).bind(id).bind(region).bind(compliance).execute(database).await.unwrap();
}

fn wanting(subdomain: &str, region: Value, compliance: Value) -> Call {
    let mut body = tenant(subdomain);
    (body["region"], body["compliance"]) = (region, compliance);
    Call::post("/tenants", &body).by_a("service").signed()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn plans_are_told_to_everybody_with_their_ceilings(database: PgPool) {
    sqlx::query("update plans set ceiling_percent = 150 where name = 'starter'")
        .execute(&database)
        .await
        .unwrap();
    let platform = Platform::on(database).await;
    for claims in [Claims::of("service"), Claims::owner(&[])] {
        let plans = platform.send(Call::get("/plans").by(&claims)).await.json();
        let names: Vec<_> = plans["data"].as_array().unwrap().iter().map(|plan| &plan["name"]).collect();
        assert_eq!(names, ["starter", "pro", "enterprise"]);
        let limits = json!({
            "cpu_cores": 2.0, "memory_mb": 2048, "workers": 2, "storage_gb": 20, "executions_per_month": 10_000,
            "concurrent_executions": 10, "api_calls_per_hour": 10_000,
        });
        assert_eq!(plans["data"][1]["limits"], limits);
        let when_suspended = [0, 1, 2].map(|plan: usize| &plans["data"][plan]["when_suspended"]);
        assert_eq!(when_suspended, ["refused", "held", "held"]);
        assert_eq!(
            plans["data"][1]["ceilings"],
            json!({ "cpu_cores": 4.0, "memory_mb": 4096, "workers": 4 })
        );
        assert_eq!(
            plans["data"][0]["ceilings"],
            json!({ "cpu_cores": 1.5, "memory_mb": 1536, "workers": 1 })
        );
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_no_cluster_can_keep_is_not_promised(database: PgPool) {
    cluster(&database, "one", "eu-central", &["gdpr"]).await;
    cluster(&database, "two", "us-east", &["gdpr", "hipaa"]).await;
    let platform = Platform::on(database).await;

    let nowhere = platform.send(wanting("acme", json!("atlantis"), Value::Null)).await;
    let problem = nowhere.assert_problem(422, "invalid_fields");
    assert_eq!(nowhere.field_errors(), [("/region".to_owned(), "unknown_region".to_owned())]);
    assert_eq!(problem["errors"][0]["detail"], "must be one of: eu-central, us-east");

    let unmet = platform.send(wanting("acme", json!("eu-central"), json!(["gdpr", "hipaa"]))).await;
    let problem = unmet.assert_problem(409, "compliance_unmet");
    assert_eq!(
        problem["detail"],
        "No cluster in eu-central complies with all of: gdpr, hipaa. Ask for fewer of them, or for another region."
    );
    platform.send(wanting("acme", Value::Null, json!(["pci"]))).await.assert_problem(409, "compliance_unmet");

    for (subdomain, region, tags) in [
        ("first", json!("eu-central"), json!(["GDPR"])),
        ("second", Value::Null, json!(["gdpr", "HIPAA"])),
        ("third", Value::Null, Value::Null),
    ] {
        assert_eq!(platform.send(wanting(subdomain, region, tags)).await.status, 201, "{subdomain}");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn lists_are_narrowed_to_what_there_is(database: PgPool) {
    cluster(&database, "one", "eu-central", &[]).await;
    let platform = Platform::on(database).await;
    for (query, code) in [
        ("/tenants?plan=gold", "unknown_plan"),
        ("/tenants?cluster=three", "unknown_cluster"),
        ("/dead-letters?service=mailer", "unknown_word"),
        ("/audit?outcome=perhaps", "unknown_outcome"),
        ("/operations?tenant=nobody", "unknown_tenant"),
        ("/audit?tenant=nobody", "unknown_tenant"),
    ] {
        let refused = platform.send(Call::get(query).by_a("admin")).await;
        refused.assert_problem(422, "invalid_fields");
        assert_eq!(refused.field_errors()[0].1, code, "{query}");
    }
    for query in
        ["/tenants?plan=pro&cluster=one", "/dead-letters?service=provisioner", "/audit?outcome=refused"]
    {
        assert_eq!(platform.send(Call::get(query).by_a("admin")).await.status, 200, "{query}");
    }
    platform.stop().await;
}
