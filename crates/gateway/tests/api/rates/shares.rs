//! Whose quota is used up by whom.

use sqlx::PgPool;

use super::{ask, limited, somebody};
use crate::support::{Call, Claims, Platform, tenant};

async fn create(platform: &Platform, subdomain: &str) -> String {
    let reply =
        platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("admin").key(subdomain).signed()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["tenant_id"].as_str().unwrap().to_owned()
}

async fn delete(platform: &Platform, name: &str, who: &Claims) -> u16 {
    let call = Call::delete(&format!("/tenants/{name}")).by(who);
    platform.send(call.key(&uuid::Uuid::now_v7().to_string()).signed()).await.status.as_u16()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn another_subject_is_not_concerned_however_it_is_spelled(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_OWNER", "1")]).await;
    let unique = uuid::Uuid::now_v7().simple().to_string();
    let long = "x".repeat(255 - unique.len());
    let names = ["ä\u{1F980}", " * ? [a-z]", "\\r\\n rates:o:", long.as_str(), "{}", "ａ", "a"];
    for name in names {
        let who = somebody().claim("sub", format!("{unique}{name}"));
        assert_eq!(ask(&platform, 0, &who).await, 200, "{name:?}");
        assert_eq!(ask(&platform, 1, &who).await, 429, "{name:?}");
    }
    for bad in ["a\nb", "a\0b", ""] {
        assert_eq!(ask(&platform, 0, &somebody().claim("sub", bad)).await, 401, "{bad:?}");
    }
    let service = Claims::of("service").claim("sub", format!("{unique}a"));
    assert_eq!(ask(&platform, 0, &service).await, 200, "a program is not counted with an owner of its name");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_action_is_counted_for_its_tenant_under_whichever_name_and_for_nothing_else(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_CHANGE", "2")]).await;
    let (one, other) = (create(&platform, "one").await, create(&platform, "other").await);
    let (admin, stranger) = (Claims::of("admin"), somebody());
    assert_eq!(delete(&platform, &one, &admin).await, 202);
    assert_eq!(delete(&platform, "one", &admin).await, 409);
    assert_eq!(delete(&platform, &one, &admin).await, 429);
    assert_eq!(delete(&platform, "one", &Claims::of("operator")).await, 429, "whoever asks");
    let shown = platform.send(Call::get(&format!("/tenants/{one}")).by(&admin)).await;
    assert_eq!(shown.status, 200, "looking is another action");
    // Who may not know of a tenant takes nothing from it.
    for name in [&other, "other", &other] {
        assert_eq!(delete(&platform, name, &stranger).await, 404);
    }
    assert_eq!(delete(&platform, &other, &admin).await, 202);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_is_refused_takes_nothing_from_the_tenant(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_OWNER", "1"), ("RATE_LIMIT_READ", "100")]).await;
    let id = create(&platform, "acme").await;
    let owner = somebody().claim("tenant_ids", serde_json::json!([id]));
    let path = format!("/tenants/{id}");
    let statuses = [200, 429, 429, 429];
    for status in statuses {
        assert_eq!(platform.send(Call::get(&path).by(&owner)).await.status, status);
    }
    let shown = platform.send(Call::get(&path).by_a("admin")).await;
    assert!(shown.header("ratelimit").contains("\"action\";r=98;"), "{shown:?}");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_repeat_counts_and_one_too_many_is_told_so(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_CHANGE", "2")]).await;
    create(&platform, "acme").await;
    let call = || Call::delete("/tenants/acme").by_a("admin").key("once").signed();
    let replies = [platform.send(call()).await, platform.send(call()).await, platform.send(call()).await];
    assert_eq!(replies.each_ref().map(|reply| reply.status.as_u16()), [202, 202, 429]);
    assert_eq!(replies[1].header("idempotency-replayed"), "true");
    let refusals = "select count(*) from audit_logs where outcome like 'refused%'";
    platform.stop().await;
    let refusals: i64 = sqlx::query_scalar(refusals).fetch_one(&database).await.unwrap();
    assert_eq!(refusals, 0, "asking too often writes nothing");
}
