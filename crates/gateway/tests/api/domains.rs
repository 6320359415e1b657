//! Domains of tenants' own: claimed, looked at on request, given up.

use common::id::TenantId;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    support::{Call, Claims, Platform, Reply, tenant},
    updates::{active, patch},
};

const DOMAIN: &str = "flows.acme.example";

async fn platform(database: &PgPool) -> (Platform, String) {
    crate::offer::cluster(database, "local", "eu-central", &[]).await;
    let platform = Platform::on(database.clone()).await;
    let id = active(&platform, "acme").await;
    (platform, id)
}

async fn claims(platform: &Platform, id: &str, domain: Value) -> Reply {
    // The same twice within a second is two requests all the same.
    let call = patch(id, &json!({ "custom_domain": domain })).key(&TenantId::generate().to_string());
    let reply = platform.send(call.by_a("service").signed()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

async fn shown(platform: &Platform, id: &str) -> Value {
    platform.send(Call::get(&format!("/tenants/{id}")).by_a("service")).await.json()["data"].clone()
}

fn verify(id: &str) -> Call {
    Call::post(&format!("/tenants/{id}/custom-domain/verify"), &json!({}))
}

async fn execute(database: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(database).await.unwrap();
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_creates_with_a_domain_claims_it_and_is_told_what_to_set(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    for subdomain in ["one", "other"] {
        let mut body = tenant(subdomain);
        body["custom_domain"] = "Flows.Acme.Example".into();
        let created = platform.send(Call::post("/tenants", &body).by_a("service").signed()).await;
        assert_eq!(created.status, 201, "{}", created.text());
        let shown = shown(&platform, subdomain).await;
        assert_eq!(shown["tenant"]["custom_domain"], DOMAIN);
        let claim = &shown["custom_domain"];
        assert_eq!((&claim["domain"], &claim["state"]), (&json!(DOMAIN), &json!("pending")));
        assert_eq!(
            (&claim["proof"]["type"], &claim["proof"]["name"]),
            (&json!("TXT"), &json!("_rp9-challenge.flows.acme.example"))
        );
        assert_eq!(claim["proof"]["value"].as_str().unwrap().len(), 32);
        let pointer = json!({ "type": "CNAME", "name": DOMAIN, "value": format!("{subdomain}.localhost") });
        assert_eq!(claim["pointer"], pointer);
        assert_eq!((&claim["looked_at"], &claim["proven_at"]), (&Value::Null, &Value::Null));
    }
    let tokens = "select count(distinct token) from custom_domains";
    assert_eq!(sqlx::query_scalar::<_, i64>(tokens).fetch_one(&database).await.unwrap(), 2);
    let served = "select count(custom_domain) from tenants";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(served).fetch_one(&database).await.unwrap(),
        0,
        "nobody is served by it"
    );
    let listed = platform.send(Call::get("/tenants").by_a("service")).await.json();
    assert_eq!(listed["data"][0]["custom_domain"], DOMAIN);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn another_domain_is_another_claim_and_the_former_one_leads_nowhere_at_once(database: PgPool) {
    let (platform, id) = platform(&database).await;
    let owner = Claims::owner(&[&id]);
    let claim = patch(&id, &json!({ "custom_domain": DOMAIN })).by(&owner).signed();
    let first = platform.send(claim).await.json();
    assert_eq!(first["changed"], json!(["custom_domain"]));
    assert_eq!(
        first["data"]["custom_domain"]["proof"]["value"],
        shown(&platform, &id).await["custom_domain"]["proof"]["value"]
    );
    assert_eq!(claims(&platform, &id, json!(DOMAIN)).await.json()["changed"], json!([]));

    execute(&database, "update custom_domains set state = 'proven', proven_at = now(), looked_at = now(), look_after = now()").await;
    execute(&database, "update tenants set custom_domain = 'flows.acme.example'").await;
    let routes = "insert into routes (host, tenant_id, targets, generation)
                  select host, id, '[]', 1 from tenants, unnest(array['acme.localhost', 'flows.acme.example']) host";
    execute(&database, routes).await;
    assert_eq!(claims(&platform, &id, json!(DOMAIN)).await.json()["changed"], json!([]), "it is so");
    let name = patch(&id, &json!({ "name": "Other" })).by_a("service").signed();
    assert_eq!(
        platform.send(name).await.json()["data"]["custom_domain"]["state"],
        "proven",
        "a name is another matter"
    );

    let second = claims(&platform, &id, json!("other.acme.example")).await.json();
    let now = &second["data"]["custom_domain"];
    assert_eq!(
        (&now["domain"], &now["state"], &now["proven_at"]),
        (&json!("other.acme.example"), &json!("pending"), &Value::Null)
    );
    assert_ne!(now["proof"]["value"], first["data"]["custom_domain"]["proof"]["value"]);
    let left = async || -> (Vec<String>, Option<String>) {
        let hosts = sqlx::query_scalar("select host from routes").fetch_all(&database).await.unwrap();
        (hosts, sqlx::query_scalar("select custom_domain from tenants").fetch_one(&database).await.unwrap())
    };
    assert_eq!(left().await, (vec!["acme.localhost".to_owned()], None));

    let none = claims(&platform, &id, Value::Null).await.json();
    assert_eq!(
        (&none["data"]["custom_domain"], &none["data"]["tenant"]["custom_domain"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(shown(&platform, &id).await, none["data"]);
    assert_eq!(claims(&platform, &id, Value::Null).await.json()["changed"], json!([]));
    claims(&platform, &id, json!(DOMAIN)).await;
    let told = "select substr(kind, 15) from event_outbox where kind like 'tenant.domain%' order by seq";
    let told: Vec<String> = sqlx::query_scalar(told).fetch_all(&database).await.unwrap();
    assert_eq!(told, ["claimed", "proven", "claimed", "removed", "claimed"]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_domain_is_looked_at_on_request_and_not_more_often_than_every_ten_seconds(database: PgPool) {
    let (platform, id) = platform(&database).await;
    let owner = Claims::owner(&[&id]);
    platform.send(verify(&id).by(&owner).key("none").signed()).await.assert_problem(409, "conflict");
    claims(&platform, &id, json!(DOMAIN)).await;
    // Looked for in vain until nobody looks any more.
    execute(&database, "update custom_domains set looks = 900, looked_at = now(), reason = 'nothing there', look_after = null").await;
    assert_eq!(shown(&platform, &id).await["custom_domain"]["next_look_at"], Value::Null);
    let asked = platform.send(verify(&id).by(&owner).key("one").signed()).await;
    assert_eq!(
        (asked.status.as_u16(), asked.header("location")),
        (202, format!("/tenants/{id}").as_str()),
        "{}",
        asked.text()
    );
    assert_eq!(asked.json()["data"]["reason"], "nothing there");
    let due = "select looks = 0 and look_after = looked_at + interval '10 seconds' from custom_domains";
    assert!(sqlx::query_scalar::<_, bool>(due).fetch_one(&database).await.unwrap());
    execute(&database, "update custom_domains set looked_at = now() - interval '1 hour'").await;
    assert_eq!(platform.send(verify(&id).by(&owner).key("two").signed()).await.status, 202);
    let due = "select look_after <= now() from custom_domains";
    assert!(sqlx::query_scalar::<_, bool>(due).fetch_one(&database).await.unwrap());

    execute(&database, "update tenants set status = 'deleting'").await;
    platform.send(verify(&id).by(&owner).key("three").signed()).await.assert_problem(409, "conflict");
    assert_eq!(shown(&platform, &id).await["custom_domain"], Value::Null);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_no_domain_of_a_customers_own_is_not_claimed(database: PgPool) {
    let (platform, id) = platform(&database).await;
    for bad in
        [json!("acme.localhost"), json!("localhost"), json!("10.0.0.1"), json!("*.acme.example"), json!(7)]
    {
        let reply =
            platform.send(patch(&id, &json!({ "custom_domain": bad })).by_a("service").signed()).await;
        reply.assert_problem(422, "invalid_fields");
        assert_eq!(reply.field_errors()[0].0, "/custom_domain");
    }
    assert_eq!(shown(&platform, &id).await["custom_domain"], Value::Null);
    platform.stop().await;
}
