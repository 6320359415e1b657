//! API keys, from their making to their end.

mod attacks;
mod grants;
mod replicas;
mod scopes;
mod streams;

use common::id::{KeyId, TenantId};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, Reply, eventually, redis_url, tenant};

/// A key that was made.
struct Key {
    id: String,
    text: String,
}

/// Makes a key of this body.
async fn make(platform: &Platform, call: Call) -> Key {
    let made = platform.send(call).await;
    assert_eq!(made.status, 201, "{}", made.text());
    Key::of(&made)
}

impl Key {
    fn of(made: &Reply) -> Self {
        let body = made.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { id: text(&body["data"]["id"]), text: text(&body["key"]) }
    }

    fn path(&self) -> String {
        format!("/keys/{}", self.id)
    }
}

/// Asks for a key, by somebody of this role.
fn asking(body: &Value, role: &str) -> Call {
    Call::post("/keys", body).by_a(role).key(&unique()).signed()
}

/// Two honest calls of one second that are the same would otherwise be one.
fn unique() -> String {
    KeyId::generate().to_string()
}

fn of_role(role: &str) -> Value {
    json!({ "name": "Portal", "role": role })
}

async fn tenant_named(platform: &Platform, subdomain: &str) -> TenantId {
    let created = platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed()).await;
    created.json()["tenant_id"].as_str().unwrap().parse().unwrap()
}

fn revocation(key: &Key) -> Call {
    Call::delete(&key.path()).by_a("admin").key(&unique()).signed()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_does_what_a_token_does_and_is_shown_once(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let made = platform.send(asking(&of_role("service"), "admin")).await;
    let key = Key::of(&made);
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.header("location"), key.path());
    assert_eq!(key.text.len(), 101);
    let created = platform.send(Call::post("/tenants", &tenant("acme")).by_key(&key.text)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(platform.send(Call::get("/tenants/acme").bearing(&key.text)).await.status, 200);
    // Nobody is shown it again, by whatever way.
    let secret = key.text.rsplit_once('_').unwrap().1.to_owned();
    for path in ["/keys".to_owned(), key.path(), "/audit".to_owned()] {
        let shown = platform.send(Call::get(&path).by_a("admin")).await;
        assert_eq!(shown.status, 200);
        assert!(!shown.text().contains(&secret) && !shown.text().contains("hash"), "{}", shown.text());
    }
    let kept: String =
        sqlx::query_scalar("select to_jsonb(k)::text from api_keys k").fetch_one(&database).await.unwrap();
    assert!(!kept.contains(&secret), "{kept}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn asking_again_makes_no_second_key_and_shows_none(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let call = Call::post("/keys", &of_role("service")).by_a("admin").key("once").signed();
    let key = make(&platform, call.clone()).await;
    let again = platform.send(call).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(
        (again.json()["data"]["id"].as_str(), &again.json()["key"]),
        (Some(key.id.as_str()), &Value::Null)
    );
    let kept: Vec<u8> =
        sqlx::query_scalar("select body from idempotency_keys").fetch_one(&database).await.unwrap();
    assert!(!String::from_utf8(kept).unwrap().contains(&key.text), "the key is in a kept answer");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_audit_log_names_the_key_by_id_and_name(database: PgPool) {
    let platform = Platform::on(database).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    platform.send(Call::post("/tenants", &tenant("acme")).by_key(&key.text)).await;
    platform.send(revocation(&key)).await;
    let entries = platform.send(Call::get("/audit").by_a("admin")).await.json();
    let named = format!("{}, Portal", key.id);
    let told = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let told: Vec<_> = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| ["action", "actor", "actor_name", "role", "reason"].map(|name| told(entry, name)))
        .collect();
    let expected = [
        ["key.revoke", "admin-1", "", "admin", &named],
        ["tenant.create", &key.id, "Portal", "service", ""],
        ["key.create", "admin-1", "", "admin", &named],
    ];
    assert_eq!(told, expected);
    let by_it = platform.send(Call::get(&format!("/audit?actor={}", key.id)).by_a("admin")).await.json();
    assert_eq!(by_it["data"].as_array().unwrap().len(), 1);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_list_says_how_each_key_is(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let active = make(&platform, asking(&of_role("service"), "admin")).await;
    let revoked = make(&platform, asking(&of_role("operator"), "admin")).await;
    let expired = make(&platform, asking(&of_role("admin"), "admin")).await;
    assert_eq!(
        platform.send(revocation(&revoked)).await.json(),
        json!({ "key_id": revoked.id, "state": "revoked" })
    );
    assert_eq!(platform.send(revocation(&revoked)).await.status, 200, "asking again changes nothing");
    let end = "update api_keys set expires_at = now() where role = 'admin'";
    sqlx::query(end).execute(&database).await.unwrap();
    for (state, key) in [("active", &active), ("revoked", &revoked), ("expired", &expired)] {
        let page = platform.send(Call::get(&format!("/keys?state={state}")).by_a("admin")).await.json();
        let ids: Vec<_> =
            page["data"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [key.id.as_str()], "{state}");
    }
    let first = platform.send(Call::get("/keys?limit=2").by_a("admin")).await.json();
    let next = format!("/keys?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = platform.send(Call::get(&next).by_a("admin")).await.json();
    assert_eq!((&rest["data"][0]["id"], &rest["next_cursor"]), (&json!(active.id), &Value::Null));
    // Staff that may less do not see what may more.
    let seen = platform.send(Call::get("/keys").by_a("service")).await.json();
    assert_eq!(seen["data"].as_array().unwrap().len(), 1);
    platform.send(Call::get(&expired.path()).by_a("operator")).await.assert_problem(404, "not_found");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_last_use_is_written_once_for_many_requests(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let revision = "select revision from api_key_revision";
    let before: i64 = sqlx::query_scalar(revision).fetch_one(&database).await.unwrap();
    for _ in 0..50 {
        assert_eq!(platform.send(Call::get("/tenants").bearing(&key.text)).await.status, 200);
    }
    let used = "select last_used_at from api_keys";
    let used: Option<time::OffsetDateTime> = sqlx::query_scalar(used).fetch_one(&database).await.unwrap();
    assert_eq!(used, None, "no request writes");
    let admin = Call::get(&key.path()).by_a("admin");
    platform.stop().await;
    let platform = Platform::on(database.clone()).await;
    let shown = platform.send(admin).await.json();
    assert!(
        shown["data"]["last_used_at"].is_string(),
        "what waits is written when the process stops: {shown}"
    );
    let after: i64 = sqlx::query_scalar(revision).fetch_one(&database).await.unwrap();
    assert_eq!(after, before, "to be used is no change");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn each_key_is_counted_for_itself(database: PgPool) {
    let redis = redis_url();
    let limits = [("RATE_LIMIT", "on"), ("REDIS_URL", redis.as_str()), ("RATE_LIMIT_STAFF", "5")];
    let platform = Platform::configured(database, &limits).await;
    let maker = Claims::of("admin").claim("sub", format!("maker of {}", unique()));
    let call = |name: &str| {
        let body = json!({ "name": name, "role": "service" });
        Call::post("/keys", &body).by(&maker).key(&unique()).signed()
    };
    let (one, other) = (make(&platform, call("one")).await, make(&platform, call("other")).await);
    let ask = async |key: &Key| platform.send(Call::get("/plans").bearing(&key.text)).await.status.as_u16();
    assert_eq!(ask(&one).await, 200);
    eventually(async || ask(&one).await == 429).await;
    assert_eq!(ask(&other).await, 200);
    platform.stop().await;
}
