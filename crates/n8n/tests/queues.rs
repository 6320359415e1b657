//! The tenants' queues on a real Redis.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use futures::future::join_all;
use n8n::queues::{Depth, Job, RedisQueues, TenantQueues as _, prefix, user};
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisResult, Value};
use secrecy::{ExposeSecret as _, SecretString};
use support::{queues, variable};

async fn login(tenant: TenantId, password: &SecretString) -> RedisResult<MultiplexedConnection> {
    let mut url: reqwest::Url = variable("TEST_REDIS_URL").parse().unwrap();
    url.set_username(&user(tenant)).unwrap();
    url.set_password(Some(password.expose_secret())).unwrap();
    Client::open(url.as_str())?.get_multiplexed_async_connection().await
}

async fn ask(connection: &mut MultiplexedConnection, line: &str) -> RedisResult<Value> {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query_async(connection).await
}

async fn tenant() -> (TenantId, SecretString) {
    let (tenant, password) = (TenantId::generate(), n8n::account::generate_key().unwrap());
    queues().ensure_user(tenant, &password).await.unwrap();
    (tenant, password)
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn everything_may_be_done_twice_and_by_eight_at_once() {
    let (tenant, password) = tenant().await;
    let queues = queues();
    for outcome in join_all((0..8).map(|_| queues.ensure_user(tenant, &password))).await {
        outcome.unwrap();
    }
    assert!(queues.observe().await.unwrap().contains(&tenant));
    let mut own = login(tenant, &password).await.unwrap();
    for number in 0..1200 {
        ask(&mut own, &format!("SET {}bull:jobs:{number} x", prefix(tenant))).await.unwrap();
    }
    for outcome in join_all((0..8).map(|_| queues.remove(tenant))).await {
        outcome.unwrap();
    }
    queues.remove(tenant).await.unwrap();
    assert!(!queues.observe().await.unwrap().contains(&tenant));
    assert!(ask(&mut own, "PING").await.is_err(), "its connections have ended");
    assert!(login(tenant, &password).await.is_err());
    let admin = Client::open(variable("TEST_REDIS_URL")).unwrap();
    let mut admin = admin.get_multiplexed_async_connection().await.unwrap();
    let left =
        redis::cmd("KEYS").arg(format!("{}*", prefix(tenant))).query_async::<Vec<String>>(&mut admin).await;
    assert_eq!(left.unwrap(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_new_password_replaces_the_old_one() {
    let (tenant, old) = tenant().await;
    let new = SecretString::from("other \"password\" >x ~* +@all");
    queues().ensure_user(tenant, &new).await.unwrap();
    assert!(login(tenant, &old).await.is_err());
    let mut own = login(tenant, &new).await.unwrap();
    assert!(ask(&mut own, "FLUSHALL").await.is_err());
    queues().remove(tenant).await.unwrap();
}

/// Others' keys and channels by every kind of command, then what needs no key to do harm.
fn forbidden(mine: &str, theirs: &str) -> Vec<String> {
    [
        format!("GET {theirs}bull:jobs:1"),
        format!("SET {theirs}bull:jobs:1 x"),
        format!("DEL {theirs}bull:jobs:1"),
        format!("LPUSH {theirs}bull:jobs:wait 1"),
        format!("PUBLISH {theirs}n8n:n8n.commands x"),
        format!("RENAME {mine}bull:jobs:wait {theirs}bull:jobs:wait"),
        format!("COPY {mine}a {theirs}a"),
        format!("EVAL return(redis.call('get',KEYS[1])) 1 {theirs}x"),
        format!("EVAL return(redis.call('get','{theirs}x')) 0"),
        format!("SUBSCRIBE {theirs}n8n:n8n.commands"),
        format!("PSUBSCRIBE {theirs}*"),
        "PSUBSCRIBE *".into(),
        "SUBSCRIBE __keyevent@0__:del".into(),
        format!("SORT {mine}x BY {theirs}*"),
        "GET x".into(),
        "FLUSHALL".into(),
        "FLUSHDB".into(),
        "CONFIG GET *".into(),
        "ACL LIST".into(),
        "ACL WHOAMI".into(),
        "KEYS *".into(),
        "SCAN 0".into(),
        "RANDOMKEY".into(),
        "DBSIZE".into(),
        "MONITOR".into(),
        "DEBUG SLEEP 0".into(),
        "CLIENT LIST".into(),
        "CLIENT KILL TYPE normal".into(),
        "CLIENT PAUSE 1".into(),
        "SHUTDOWN".into(),
        "SAVE".into(),
        "REPLICAOF no one".into(),
        "SWAPDB 0 1".into(),
        "SELECT 1".into(),
        "MODULE LIST".into(),
        "SCRIPT FLUSH".into(),
        "SCRIPT KILL".into(),
        "FUNCTION LIST".into(),
        "PUBSUB CHANNELS".into(),
        "SLOWLOG GET".into(),
        "LATENCY LATEST".into(),
        "MIGRATE h 1 x 0 1".into(),
        "CLUSTER INFO".into(),
        "AUTH rp9 guess".into(),
    ]
    .into()
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_reaches_its_own_prefix_and_nothing_else() {
    let ((a, password), (b, _)) = (tenant().await, tenant().await);
    let mut own = login(a, &password).await.unwrap();
    let (mine, theirs) = (prefix(a), prefix(b));
    let allowed = [
        format!("LPUSH {mine}bull:jobs:wait 1"),
        format!("PUBLISH {mine}n8n:n8n.commands x"),
        format!("SET {mine}n8n:cache:x 1 EX 5"),
        "INFO".into(),
        "CLIENT SETNAME bull".into(),
        "PING".into(),
    ];
    for line in allowed {
        ask(&mut own, &line).await.unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    for line in forbidden(&mine, &theirs) {
        let answer = ask(&mut own, &line).await;
        let code = answer.as_ref().err().and_then(|error| error.code()).unwrap_or_default();
        let refusal = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let denied = ["NOPERM", "WRONGPASS"].contains(&code)
            || [
                "NOPERM",
                "No permissions",
                "can't access",
                "has no permissions",
                "BY option of SORT denied",
                "DEBUG command not allowed",
            ]
            .iter()
            .any(|words| refusal.contains(words));
        assert!(denied, "{line}: {answer:?}");
    }
    queues().remove(a).await.unwrap();
    queues().remove(b).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_server_that_is_away_is_worth_another_try() {
    let queues = RedisQueues::new("redis://127.0.0.1:1").unwrap();
    assert_eq!(queues.observe().await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_each_takes_of_the_memory_is_measured() {
    let ((heavy, password), (light, its_password)) = (tenant().await, tenant().await);
    let mut own = login(heavy, &password).await.unwrap();
    for number in 0..600 {
        ask(&mut own, &format!("SET {}bull:jobs:{number} {}", prefix(heavy), "x".repeat(1000)))
            .await
            .unwrap();
    }
    let mut its = login(light, &its_password).await.unwrap();
    ask(&mut its, &format!("SET {}n8n:key x", prefix(light))).await.unwrap();
    let usage = queues().usage().await.unwrap();
    assert!(usage.tenants[&heavy] > 600_000, "{usage:?}");
    assert!((1..1000).contains(&usage.tenants[&light]), "{usage:?}");
    assert!(usage.used > usage.tenants[&heavy] && usage.most > usage.used, "{usage:?}");
    queues().remove(heavy).await.unwrap();
    queues().remove(light).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Redis: deploy/test"]
async fn every_clone_uses_another_login_from_the_next_call_on() {
    let right = support::variable("TEST_REDIS_URL");
    let queues = RedisQueues::new(&right.replace(":rp9@", ":hunter2@")).unwrap();
    let clone = queues.clone();
    assert!(clone.observe().await.is_err() && !format!("{queues:?}").contains("hunter2"));
    queues.put_url(&right).unwrap();
    clone.observe().await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn queues_are_seen_as_they_are_and_a_marker_leaves_nothing() {
    let ((busy, password), (idle, _)) = (tenant().await, tenant().await);
    let mut own = login(busy, &password).await.unwrap();
    let jobs = format!("{}bull:jobs", prefix(busy));
    for line in [
        format!("RPUSH {jobs}:wait 5 4"),
        format!("RPUSH {jobs}:paused 3"),
        format!("RPUSH {jobs}:active 2 1"),
        format!("SET {jobs}:2:lock token"),
        format!("SET {jobs}:id 5"),
    ] {
        ask(&mut own, &line).await.unwrap();
    }
    let queues = queues();
    let seen = queues.depths(&[idle, busy]).await.unwrap();
    assert_eq!(seen, [Depth::default(), Depth { waiting: 3, active: 2, held: 1, entered: 5 }]);
    assert_eq!(seen[1].taken(), 2);
    assert!(queues.depths(&[]).await.unwrap().is_empty());
    for tenant in [idle, busy] {
        assert!(queues.is_seen(tenant).await.unwrap());
    }
    assert_eq!(queues.depths(&[idle, busy]).await.unwrap(), seen);
    for tenant in [idle, busy] {
        queues.remove(tenant).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_was_given_to_nobody_waits_again_first_and_what_is_held_stays() {
    let (tenant, password) = tenant().await;
    let mut own = login(tenant, &password).await.unwrap();
    let key = |name: &str| format!("{}bull:jobs:{name}", prefix(tenant));
    for line in [
        format!("LPUSH {} 9", key("wait")),
        format!("LPUSH {} 1 2 3 4 rubbish", key("active")),
        format!("SADD {} 1 2", key("stalled")),
        format!("SET {} x", key("2:lock")),
        format!("HSET {} data {{\"executionId\":\"61\"}}", key("1")),
        format!("HSET {} data {{\"executionId\":\"62\"}}", key("2")),
        format!("HSET {} data {{\"executionId\":\"63\"}}", key("3")),
        format!("HSET {} data nothing", key("4")),
    ] {
        ask(&mut own, &line).await.unwrap();
    }
    let job = |id: i64| Job { id: id.to_string(), execution: 60 + id };
    let mut unheld = queues().unheld(tenant).await.unwrap();
    unheld.sort_by_key(|job| job.execution);
    assert_eq!(unheld, [job(1), job(3)]);
    // Somebody has it by now.
    ask(&mut own, &format!("SET {} x", key("3:lock"))).await.unwrap();
    assert_eq!(queues().put_back(tenant, &unheld).await.unwrap(), 1);
    assert_eq!(queues().put_back(tenant, &unheld).await.unwrap(), 0, "once");
    assert_eq!(queues().put_back(tenant, &[]).await.unwrap(), 0);
    let list = async |own: &mut MultiplexedConnection, name: &str| {
        let mut range = redis::cmd("LRANGE");
        range.arg(key(name)).arg(0).arg(-1).query_async::<Vec<String>>(own).await.unwrap()
    };
    // Bull takes from the right.
    assert_eq!(list(&mut own, "wait").await, ["9", "1"]);
    assert_eq!(list(&mut own, "active").await, ["rubbish", "4", "3", "2"]);
    let mut stalled = redis::cmd("SMEMBERS");
    assert_eq!(stalled.arg(key("stalled")).query_async::<Vec<String>>(&mut own).await.unwrap(), ["2"]);
    queues().remove(tenant).await.unwrap();
}
