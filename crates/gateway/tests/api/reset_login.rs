//! A new password for an owner who is locked out.

use common::{
    bus::Bus,
    error::{Classify, Kind},
    id::ResetId,
};
use serde_json::json;
use sqlx::PgPool;
use wire::{InitialLogin, ResetLogin};

use crate::support::{Call, Claims, Platform, Reply, tenant, turn_to_answer};

/// What the fake provisioner gives for a reset: told by its id alone.
fn password_of(reset: ResetId) -> String {
    format!("canary-Passw0rd-{}", reset.digits())
}

/// A later reset has replaced it.
#[derive(Debug, thiserror::Error)]
#[error("replaced")]
struct Replaced;

impl Classify for Replaced {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

/// Answers like a provisioner, except to those who want the second factor gone: their reset was replaced.
fn provisioner(platform: &Platform, known: &str) {
    let (bus, stopping): (Bus, _) = (platform.bus.clone(), platform.tasks().stopping());
    let group: &'static str = Box::leak(format!("test-{known}").into_boxed_str());
    platform.tasks().spawn("provisioner", async move {
        let answer = async |asked: ResetLogin| {
            assert!(asked.recorded);
            if asked.disable_mfa {
                return Err(Replaced);
            }
            let password = password_of(asked.reset).into();
            Ok(InitialLogin { email: "ada@acme.example".into(), password, stale: false })
        };
        bus.answer(group, None, stopping, answer).await.unwrap();
    });
}

async fn acme(platform: &Platform, database: &PgPool, status: &str) -> String {
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    sqlx::query("update tenants set status = $1").bind(status).execute(database).await.unwrap();
    id
}

fn password(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.json()["data"]["password"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeat_gets_the_same_password_and_no_table_has_it(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let id = acme(&platform, &database, "active").await;
    let owner = Claims::owner(&[&id]);
    let reset = async |key: &str| {
        let call = Call::post("/tenants/acme/reset-login", &json!({})).by(&owner).key(key).signed();
        platform.send(call).await
    };
    // Nobody answers: it is noted, and the repeat is that very reset.
    reset("a").await.assert_problem(503, "unavailable");
    provisioner(&platform, &id);
    let mut first = reset("a").await;
    while first.status == 503 {
        first = reset("a").await;
    }
    let again = reset("a").await;
    assert_eq!(password(&first), password(&again));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_ne!(password(&first), password(&reset("b").await));

    platform.stop().await;
    let kept =
        "select string_agg(query_to_xml(format('select * from %I', relname), true, true, '')::text, '')
                  from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
    let kept: String = sqlx::query_scalar(kept).fetch_one(&database).await.unwrap();
    assert!(kept.contains("tenant.reset_login") && !kept.contains("canary-Passw0rd"));
    let noted =
        "select outcome, count(*) from audit_logs where action = 'tenant.reset_login' and actor = 'owner-1'
                    and tenant_id is not null and outcome in ('accepted', 'shown') group by 1 order by 1";
    let noted: Vec<(String, i64)> = sqlx::query_as(noted).fetch_all(&database).await.unwrap();
    assert_eq!(noted, [("accepted".to_owned(), 2), ("shown".to_owned(), 2)], "one a key, and one a repeat");
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_record_says_which_reset_is_the_later_one(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let id = acme(&platform, &database, "active").await;
    provisioner(&platform, &id);
    let accepted = async || {
        let last = "select accepted_reset_id from tenants where subdomain = 'acme'";
        sqlx::query_scalar::<_, Option<ResetId>>(last).fetch_one(&database).await.unwrap()
    };
    let reset = async |key: &str| {
        let call = Call::post("/tenants/acme/reset-login", &json!({})).by_a("admin").key(key).signed();
        let mut reply = platform.send(call.clone()).await;
        while reply.status == 503 {
            reply = platform.send(call.clone().signed()).await;
        }
        password(&reply)
    };
    assert_eq!(accepted().await, None);
    for (key, of) in [("a", "a"), ("b", "b"), ("a", "b")] {
        let given = reset(key).await;
        let last = accepted().await.unwrap();
        assert_eq!(given == password_of(last), key == of, "{key}: a repeat is not accepted again");
    }
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_reset_that_was_replaced_is_a_conflict(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let id = acme(&platform, &database, "active").await;
    provisioner(&platform, &id);
    let body = json!({ "disable_mfa": true, "reason": "lost the phone" });
    let reset = || Call::post("/tenants/acme/reset-login", &body).by_a("service").key("a").signed();
    let mut refused = platform.send(reset()).await;
    while refused.status == 503 {
        refused = platform.send(reset()).await;
    }
    refused.assert_problem(409, "conflict");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_is_not_there_is_given_nothing(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    acme(&platform, &database, "provisioning").await;
    let reset = |claims: &Claims| Call::post("/tenants/acme/reset-login", &json!({})).by(claims).signed();
    let stranger = Claims::owner(&[&common::id::TenantId::generate().to_string()]);
    platform.send(reset(&stranger)).await.assert_problem(404, "not_found");
    let early =
        platform.send(Call::post("/tenants/acme/reset-login", &json!({})).by_a("admin").signed()).await;
    early.assert_problem(409, "conflict");
    platform.stop().await;
}
