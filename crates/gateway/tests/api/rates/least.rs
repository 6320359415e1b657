//! The login that counts can count and nothing else, and what it leaves behind is small and goes by itself.

use redis::{AsyncCommands, Client, RedisResult, aio::MultiplexedConnection, cmd};
use sqlx::PgPool;
use uuid::Uuid;

use super::{ask, limited, limited_at, redis_url, somebody, until_it_says};
use crate::support::Claims;

/// How the deployment makes its users.
const START: &str = include_str!("../../../../../deploy/conf/redis/start.sh");

async fn administrator() -> MultiplexedConnection {
    Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// The words of the deployment's rule for the gateway, after the hash of its password.
fn rule() -> Vec<&'static str> {
    let line = START.lines().find_map(|line| line.trim().strip_prefix("echo \"user gateway on #$gateway "));
    line.expect("start.sh makes the user").trim_end_matches('"').split(' ').collect()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_deployments_login_is_enough_and_can_do_nothing_else(database: PgPool) {
    let mut administrator = administrator().await;
    let user = format!("gateway-test-{}", Uuid::now_v7().simple());
    let set = cmd("ACL").arg("SETUSER").arg(&user).arg("on").arg(">pass").arg(rule()).to_owned();
    let () = set.query_async(&mut administrator).await.unwrap();
    let mut url: url::Url = redis_url().parse().unwrap();
    url.set_username(&user).unwrap();
    url.set_password(Some("pass")).unwrap();
    let platform = limited_at(&database, url.as_str(), &[("RATE_LIMIT_OWNER", "1")]).await;
    until_it_says(&platform, 0, "up").await;
    let who = somebody();
    assert_eq!([ask(&platform, 0, &who).await, ask(&platform, 0, &who).await], [200, 429]);

    let client = Client::open(url.as_str()).unwrap();
    let mut gateway = client.get_multiplexed_async_connection().await.unwrap();
    let foreign: RedisResult<Option<String>> = gateway.get("ten_x:bull").await;
    assert_eq!(foreign.unwrap_err().code(), Some("NOPERM"));
    for refused in
        ["KEYS *", "SCAN 0", "FLUSHALL", "CONFIG GET *", "ACL LIST", "DEL rates:x", "SCRIPT FLUSH", "INFO"]
    {
        let mut words = refused.split(' ');
        let mut command = cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        let answer: RedisResult<redis::Value> = command.query_async(&mut gateway).await;
        assert_eq!(answer.unwrap_err().code(), Some("NOPERM"), "{refused}");
    }
    platform.stop().await;
    let () = cmd("ACL").arg("DELUSER").arg(&user).query_async(&mut administrator).await.unwrap();
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_counter_is_small_and_ends(database: PgPool) {
    let platform = limited(&database, &[("RATE_LIMIT_OWNER", "2")]).await;
    let unique = Uuid::now_v7().simple().to_string();
    for name in ["\u{1F980}".repeat(50), "a".repeat(200), "?".into()] {
        let who: Claims = somebody().claim("sub", format!("{unique}{name}"));
        for _ in 0..5 {
            ask(&platform, 0, &who).await;
        }
    }
    let mut administrator = administrator().await;
    let mut scan = administrator.clone();
    let mut keys = scan.scan_match::<_, Vec<u8>>("rates:*").await.unwrap();
    let mut seen = 0;
    while let Some(key) = keys.next_item().await {
        let key = key.unwrap();
        assert_eq!(key.len(), 40, "{key:?}");
        let left: i64 = administrator.pttl(&key).await.unwrap();
        assert!(left > 0 || left == -2, "{left} for {key:?}");
        seen += 1;
    }
    assert!(seen >= 3);
    platform.stop().await;
}
