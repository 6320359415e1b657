//! Upgrades of a tenant's n8n: what is accepted, what is refused and why, and what is answered again.

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    sandboxes::put_sandbox,
    support::{Call, Claims, Platform, Reply, tenant},
};

const OLDER: &str = "2.40.7";
const LATER: &str = "2.41.1";

/// A tenant with an n8n of its own, of this release.
async fn acme(platform: &Platform, database: &PgPool, version: &str) -> String {
    let mut body = tenant("acme");
    body["n8n_version"] = version.into();
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

fn to(version: &str) -> Value {
    json!({ "n8n_version": version })
}

async fn upgrade_under(platform: &Platform, key: &str, tenant: &str, body: &Value) -> Reply {
    let call = Call::post(&format!("/tenants/{tenant}/upgrade"), body).by_a("operator");
    platform.send(call.key(key).signed()).await
}

async fn upgrade(platform: &Platform, tenant: &str, body: &Value) -> Reply {
    upgrade_under(platform, &Uuid::now_v7().to_string(), tenant, body).await
}

/// All that were accepted.
async fn accepted(database: &PgPool) -> Vec<Value> {
    let rows = "select jsonb_build_object('request', o.request, 'former', o.former_status, 'tenant', t.status, 'runs', t.n8n_version)
                  from operations o join tenants t on t.id = o.tenant_id where o.kind = 'tenant.upgrade' order by o.created_at";
    sqlx::query_scalar(rows).fetch_all(database).await.unwrap()
}

#[track_caller]
fn told(reply: &Reply) -> String {
    reply.assert_problem(409, "conflict")["detail"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_asked_for_is_an_operation_and_again_it_is_the_same(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = acme(&platform, &database, OLDER).await;
    let body = json!({ "n8n_version": LATER, "strategy": "recreate", "reason": "It has a new node." });
    let first = upgrade_under(&platform, "one", "acme", &body).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let operation = first.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/operations/{operation}"));
    let answer =
        json!({ "tenant_id": id, "operation_id": operation, "status": "migrating", "already": false });
    assert_eq!(first.json(), answer);
    let request = json!({ "n8n_version": LATER, "strategy": "recreate" });
    let row = json!({ "request": request, "former": "active", "tenant": "migrating", "runs": OLDER });
    assert_eq!(accepted(&database).await, [row]);

    let joined = upgrade(&platform, "acme", &to(LATER)).await;
    let answer =
        json!({ "tenant_id": id, "operation_id": operation, "status": "migrating", "already": true });
    assert_eq!((joined.status.as_u16(), joined.json()), (202, answer));
    assert_eq!(joined.header("location"), first.header("location"));
    let other = told(&upgrade(&platform, "acme", &to(OLDER)).await);
    assert!(other.contains(&operation) && other.contains("something else"), "{other}");
    // The release changes before it is over, and may change back.
    set(&database, "update tenants set n8n_version = '2.41.1'").await;
    assert_eq!(upgrade(&platform, "acme", &to(LATER)).await.json()["operation_id"], json!(operation));
    assert!(told(&upgrade(&platform, "acme", &to(OLDER)).await).contains(&operation));

    ended(&database).await;
    set(&database, "update tenants set status = 'active'").await;
    let again = upgrade_under(&platform, "one", "acme", &body).await;
    assert_eq!((again.status.as_u16(), again.text()), (202, first.text()));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let so = upgrade(&platform, "acme", &to(LATER)).await;
    let answer = json!({ "tenant_id": id, "operation_id": null, "status": "active", "already": true });
    assert_eq!((so.status.as_u16(), so.json()), (200, answer));
    assert_eq!(accepted(&database).await.len(), 1);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn of_many_at_once_one_is_accepted_and_the_others_join_it(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database, OLDER).await;
    let later = to(LATER);
    let replies = join_all((0..8).map(|_| upgrade(&platform, "acme", &later))).await;
    let operations: std::collections::BTreeSet<_> =
        replies.iter().map(|reply| reply.json()["operation_id"].to_string()).collect();
    let new = replies.iter().filter(|reply| reply.json()["already"] == json!(false)).count();
    assert!(replies.iter().all(|reply| reply.status == 202));
    assert_eq!((new, operations.len(), accepted(&database).await.len()), (1, 1, 1));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn only_a_release_that_is_listed_and_not_an_earlier_one_is_accepted(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database, LATER).await;
    for (body, pointer, code) in [
        (json!({}), "/n8n_version", "required"),
        (to("latest"), "/n8n_version", "unknown_version"),
        (to("2.41.2"), "/n8n_version", "unknown_version"),
        (json!({ "n8n_version": 2.41 }), "/n8n_version", "not_a_text"),
        (json!({ "n8n_version": LATER, "strategy": "swiftly" }), "/strategy", "unknown_strategy"),
    ] {
        let refused = upgrade(&platform, "acme", &body).await;
        refused.assert_problem(422, "invalid_fields");
        assert_eq!(refused.field_errors(), [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    let unknown = upgrade(&platform, "acme", &to("3.0.0")).await;
    assert!(unknown.text().contains("must be one of: 2.40.7, 2.41.1"), "{}", unknown.text());
    let strategy = upgrade(&platform, "acme", &json!({ "n8n_version": LATER, "strategy": "swiftly" })).await;
    assert!(strategy.text().contains("must be one of: recreate, blue_green"), "{}", strategy.text());
    let older = told(&upgrade(&platform, "acme", &to(OLDER)).await);
    for words in ["runs n8n 2.41.1", "does not go back to 2.40.7", "`pre_upgrade`", "into a sandbox"] {
        assert!(older.contains(words), "{older}");
    }
    // A queue that sends it again later, when things are otherwise, is answered what it was answered.
    let so = upgrade_under(&platform, "so", "acme", &to(LATER)).await;
    assert_eq!(so.status, 200, "{}", so.text());
    set(&database, "update tenants set n8n_version = '2.40.7'").await;
    let again = upgrade_under(&platform, "so", "acme", &to(LATER)).await;
    assert_eq!((again.status.as_u16(), again.text()), (200, so.text()));
    upgrade_under(&platform, "so", "acme", &to(OLDER)).await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_that_cannot_stop_for_it_keeps_what_it_runs(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database, OLDER).await;
    for (change, words) in [
        (
            "update tenants set status = 'suspended'",
            "The tenant is suspended; this is done to one that is active",
        ),
        ("update tenants set status = 'failed'", "The tenant is failed"),
    ] {
        set(&database, change).await;
        let refused = told(&upgrade(&platform, "acme", &to(LATER)).await);
        assert!(refused.contains(words), "{refused}");
        let so = told(&upgrade(&platform, "acme", &to(OLDER)).await);
        assert!(so.contains(words), "one that is not active is not so already: {so}");
    }
    set(&database, "update tenants set status = 'active'").await;
    let without = Platform::configured(database.clone(), &[("S3_BUCKET", "")]).await;
    upgrade(&without, "acme", &to(LATER)).await.assert_problem(422, "backups_off");
    assert_eq!(
        upgrade(&without, "acme", &to(OLDER)).await.status,
        200,
        "nothing has to be backed up for that"
    );
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    without.stop().await;
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_later_release_may_be_put_beside_the_former_one_where_nothing_stands_there(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database, OLDER).await;
    let beside = json!({ "n8n_version": LATER, "strategy": "blue_green" });
    set(&database, "update tenants set second_version = '2.41.1'").await;
    let refused = told(&upgrade(&platform, "acme", &beside).await);
    assert!(refused.contains("two sides, of which blue serves: remove green first"), "{refused}");
    set(&database, "update tenants set second_version = null").await;
    assert_eq!(upgrade(&platform, "acme", &beside).await.status, 202);
    assert_eq!(accepted(&database).await[0]["request"], beside);
    let other = told(&upgrade(&platform, "acme", &to(LATER)).await);
    assert!(other.contains("something else"), "{other}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_has_no_n8n_of_its_own_or_is_nobodys_is_not_upgraded(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = acme(&platform, &database, OLDER).await;
    put_sandbox(&database, id.parse().unwrap(), "acme-restore-20260801").await;
    let sandbox = "select 'ten_' || replace(tenant_id::text, '-', '') from sandboxes";
    let sandbox: String = sqlx::query_scalar(sandbox).fetch_one(&database).await.unwrap();
    let sandbox = told(&upgrade(&platform, &sandbox, &to(LATER)).await);
    assert!(sandbox.contains("A sandbox"), "{sandbox}");

    let shared = platform
        .send(Call::post("/shared-instances", &json!({ "name": "shared-1" })).by_a("admin").signed())
        .await
        .json();
    set(&database, "update tenants set status = 'active', n8n_version = '2.40.7'").await;
    let shared = told(&upgrade(&platform, shared["id"].as_str().unwrap(), &to(LATER)).await);
    assert!(shared.contains("An n8n that tenants share is not upgraded yet"), "{shared}");

    set(&database, "update tenants set mode = 'shared' where subdomain = 'acme'").await;
    let lodger = upgrade(&platform, "acme", &to(LATER)).await;
    lodger.assert_problem(422, "shared_tenant");
    // Whatever else is wrong with it.
    upgrade(&platform, "acme", &to("latest")).await.assert_problem(422, "shared_tenant");
    assert_eq!(accepted(&database).await, [Value::Null; 0]);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn owners_upgrade_what_is_theirs(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let id = acme(&platform, &database, OLDER).await;
    let by = async |claims: Claims| {
        let call = Call::post("/tenants/acme/upgrade", &to(LATER)).by(&claims);
        platform.send(call.key(&Uuid::now_v7().to_string()).signed()).await
    };
    let other = common::id::TenantId::generate().to_string();
    by(Claims::owner(&[&other])).await.assert_problem(404, "not_found");
    assert_eq!(by(Claims::owner(&[&id])).await.status, 202);
    let joined = by(Claims::owner(&[&id])).await;
    assert_eq!((joined.status.as_u16(), &joined.json()["already"]), (202, &json!(true)));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_with_an_n8n_of_its_own_begins_with_the_release_that_is_chosen(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let create = async |subdomain: &str, more: Value| {
        let mut body = tenant(subdomain);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        platform.send(Call::post("/tenants", &body).by_a("service").signed()).await
    };
    assert_eq!(create("chosen", to(OLDER)).await.status, 201);
    assert_eq!(create("usual", json!({ "n8n_version": null })).await.status, 201);
    let runs = "select array_agg(n8n_version order by subdomain) from tenants";
    let runs: Vec<String> = sqlx::query_scalar(runs).fetch_one(&database).await.unwrap();
    assert_eq!(runs, [OLDER, LATER]);
    let refused = create("unknown", to("1.0.0")).await;
    assert_eq!(refused.field_errors(), [("/n8n_version".to_owned(), "unknown_version".to_owned())]);
    platform.stop().await;
}
