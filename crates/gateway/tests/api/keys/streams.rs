//! Streams end with the key that they were opened with.

use super::*;
use crate::support::{Follower, eventually};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_stream_ends_when_its_key_is_revoked(database: PgPool) {
    let platform = Platform::telling(database).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let other = make(&platform, asking(&of_role("service"), "admin")).await;
    let mut following: Vec<Follower> = Vec::new();
    for text in [&key.text, &key.text, &other.text] {
        following.push(platform.follow(Call::get("/events").bearing(text)).await);
    }
    tenant_named(&platform, "acme").await;
    for follower in &mut following {
        follower.kinds(1).await;
    }
    // At another gateway than the one that tells.
    assert_eq!(platform.send_to(1, revocation(&key)).await.status, 200);
    let asked = std::time::Instant::now();
    for follower in &mut following[..2] {
        loop {
            let told = follower.next().await.expect("it says why it ends");
            if told.name.as_deref() == Some("end") {
                assert_eq!(told.data["reason"], "key_revoked");
                break;
            }
        }
    }
    assert!(asked.elapsed().as_secs() < 2, "{:?}", asked.elapsed());
    tenant_named(&platform, "bolt").await;
    assert!(following[2].next().await.is_some_and(|told| told.name.is_none()), "others go on");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_stream_ends_when_its_key_does(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let body = json!({ "name": "Short", "role": "service", "expires_at": in_seconds(3) });
    let key = make(&platform, asking(&body, "admin")).await;
    let mut follower = platform.follow(Call::get("/events").bearing(&key.text)).await;
    let reason = follower.reason().await;
    assert!(["token_expired", "key_revoked"].contains(&reason.as_str()), "{reason}");
    // Streams go by whole seconds, and may end in the one in which the key does.
    let asked = async || platform.send(Call::get("/plans").bearing(&key.text)).await;
    eventually(async || asked().await.status == 401).await;
    asked().await.assert_problem(401, "token_invalid");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_stream_ends_when_nobody_can_say_whether_its_key_is_good(database: PgPool) {
    let platform = Platform::telling(database.clone()).await;
    let key = make(&platform, asking(&of_role("service"), "admin")).await;
    let mut follower = platform.follow(Call::get("/events").bearing(&key.text)).await;
    sqlx::query("alter table api_key_revision rename to away").execute(&database).await.unwrap();
    assert_eq!(follower.reason().await, "unavailable");
    platform.stop().await;
}

fn in_seconds(seconds: i64) -> Value {
    let at = common::clock::now() + time::Duration::seconds(seconds);
    at.format(&time::format_description::well_known::Rfc3339).unwrap().into()
}
