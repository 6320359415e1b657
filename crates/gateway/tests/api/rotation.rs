//! Keys of requests that change while gateways answer, in the order that docs/secrets.md tells.

use sqlx::PgPool;

use crate::support::{Call, Claims, HMAC_SECRET, JWT_SECRET, Platform, eventually, redis_url, tenant};

const NEW_JWT: &str = "the-jwt-secret-of-next-year-0123456789";
const NEW_HMAC: &str = "the-hmac-secret-of-next-year-0123456789";

async fn status(platform: &Platform, who: &Claims) -> u16 {
    platform.send(Call::get("/tenants").by(who)).await.status.as_u16()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn tokens_of_both_keys_are_good_until_the_former_one_is_taken_away(database: PgPool) {
    let platform = Platform::on(database).await;
    let (old, new) = (Claims::of("admin"), Claims::of("admin").header("kid", "2027").secret(NEW_JWT));
    assert_eq!((status(&platform, &old).await, status(&platform, &new).await), (200, 401));
    let named = format!("2027={NEW_JWT}");
    platform.put_secrets(&[("JWT_KEYS", &named)]);
    assert_eq!((status(&platform, &old).await, status(&platform, &new).await), (200, 200));
    platform.put_secrets(&[("JWT_KEYS", &named), ("JWT_SECRET", "nobody-knows-this-one-0123456789abcdef")]);
    assert_eq!((status(&platform, &old).await, status(&platform, &new).await), (401, 200));
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_key_that_is_changed_under_many_requests_refuses_none_in_the_right_order(database: PgPool) {
    let platform = Platform::on(database).await;
    let new = Claims::of("admin").header("kid", "2027").secret(NEW_JWT);
    let named = format!("2027={NEW_JWT}");
    let old = Claims::of("admin");
    let asking = |who: Claims| {
        let platform = &platform;
        async move {
            for _ in 0..200 {
                assert_eq!(status(platform, &who).await, 200);
            }
        }
    };
    let changing = async {
        for round in 0..50 {
            let keys = [("JWT_KEYS", named.as_str()), ("JWT_SECRET", JWT_SECRET)];
            platform.put_secrets(&keys[..1 + round % 2]);
            tokio::task::yield_now().await;
        }
    };
    platform.put_secrets(&[("JWT_KEYS", &named)]);
    tokio::join!(asking(old.clone()), asking(new.clone()), asking(old), asking(new), changing);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn signatures_of_both_secrets_are_good_until_the_former_one_is_taken_away(database: PgPool) {
    let platform = Platform::on(database).await;
    let (number, platform) = (std::cell::Cell::new(0), &platform);
    let signed = async |secret: &str| {
        number.set(number.get() + 1);
        let call = Call::post("/tenants", &tenant(&format!("number-{}", number.get()))).by_a("admin");
        platform.send(call.signed_with(secret, 0)).await.status.as_u16()
    };
    assert_eq!((signed(HMAC_SECRET).await, signed(NEW_HMAC).await), (201, 401));
    platform.put_secrets(&[("HMAC_SECRET", NEW_HMAC), ("HMAC_SECRET_PREVIOUS", HMAC_SECRET)]);
    assert_eq!((signed(HMAC_SECRET).await, signed(NEW_HMAC).await), (201, 201));
    platform.put_secrets(&[("HMAC_SECRET", NEW_HMAC)]);
    assert_eq!((signed(HMAC_SECRET).await, signed(NEW_HMAC).await), (401, 201));
    platform.stop().await;
}

/// What the servers' administrator does.
async fn redis(command: &[&str]) -> String {
    let client = redis::Client::open(redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let answer =
        redis::cmd(command[0]).arg(&command[1..]).query_async::<redis::Value>(&mut connection).await.unwrap();
    redis::from_redis_value(answer).unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn requests_are_counted_together_through_a_change_of_rediss_password(database: PgPool) {
    let user = format!("counting-{}", uuid::Uuid::now_v7().simple());
    redis(&["ACL", "SETUSER", &user, "on", ">first", "~rates:*", "+@all"]).await;
    let place = redis_url().rsplit_once('@').unwrap().1.to_owned();
    let url = |password: &str| format!("redis://{user}:{password}@{place}");
    let (first, second) = (url("first"), url("second"));
    let with = |url| [("RATE_LIMIT", "on"), ("REDIS_URL", url), ("RATE_LIMIT_TIMEOUT_MS", "5000")];
    let platform = Platform::configured(database, &with(&first)).await;
    let says = async |state: &str| {
        let health = platform.send(Call::get("/health/detailed")).await.json();
        health["dependencies"]["rate_limits"] == state
    };
    eventually(async || says("up").await).await;
    redis(&["ACL", "SETUSER", &user, ">second"]).await;
    platform.put_secrets(&with(&second));
    redis(&["ACL", "SETUSER", &user, "<first"]).await;
    assert!(says("up").await, "what is open stays");
    // A connection that ends is made anew with the password of then.
    redis(&["CLIENT", "KILL", "USER", &user]).await;
    let counted = async || {
        platform.send(Call::get("/tenants").by_a("admin")).await;
        redis(&["CLIENT", "LIST"]).await.contains(&format!("user={user} "))
    };
    eventually(counted).await;
    eventually(async || says("up").await).await;
    platform.stop().await;
    redis(&["ACL", "DELUSER", &user]).await;
}
