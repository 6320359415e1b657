//! Nobody asks more often than allowed, whichever replica they ask, and nobody pays for anybody else.

mod away;
mod fields;
mod fleet;
mod least;
mod shares;

use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Call, Claims, Platform, eventually, redis_url};

/// So many are never reached.
const PLENTY: &str = "1000000";

/// Two replicas that count in Redis, with these figures changed.
async fn limited(database: &PgPool, figures: &[(&str, &str)]) -> Platform {
    let platform = limited_at(database, &redis_url(), figures).await;
    for replica in [0, 1] {
        until_it_says(&platform, replica, "up").await;
    }
    platform
}

/// The same with a Redis that may come later.
async fn limited_at(database: &PgPool, redis: &str, figures: &[(&str, &str)]) -> Platform {
    let usual = [
        ("RATE_LIMIT", "on"),
        ("REDIS_URL", redis),
        // A busy machine is not what is tried here.
        ("RATE_LIMIT_TIMEOUT_MS", "5000"),
        ("RATE_LIMIT_WINDOW_SECONDS", "3600"),
        ("RATE_LIMIT_OWNER", PLENTY),
        ("RATE_LIMIT_STAFF", PLENTY),
        ("RATE_LIMIT_CHANGE", PLENTY),
        ("RATE_LIMIT_READ", PLENTY),
    ];
    let variables: Vec<_> = usual.into_iter().chain(figures.iter().copied()).collect();
    Platform::configured(database.clone(), &variables).await
}

async fn until_it_says(platform: &Platform, replica: usize, state: &str) {
    eventually(async || {
        let health = platform.send_to(replica, Call::get("/health/detailed")).await.json();
        health["dependencies"]["rate_limits"] == state
    })
    .await;
}

/// An owner nobody has met before, of nothing.
fn somebody() -> Claims {
    Claims::owner(&[]).claim("sub", format!("owner-{}", Uuid::now_v7()))
}

/// What such a caller asks for.
fn question(who: &Claims) -> Call {
    Call::get("/tenants").by(who)
}

/// The status of one question.
async fn ask(platform: &Platform, replica: usize, who: &Claims) -> u16 {
    platform.send_to(replica, question(who)).await.status.as_u16()
}
