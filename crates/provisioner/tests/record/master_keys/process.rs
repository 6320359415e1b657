//! `provisioner rotate-master-key` as a process of its own, and a provisioner that is started with the wrong keys.

use std::{net::TcpListener, process::Stdio, time::Duration};

use common::database::MIGRATOR;
use sqlx::{ConnectOptions, PgPool};
use tokio::process::{Child, Command};

use super::{count_under, fill, keys, named, open_nothing, opened};

const SECRETS: usize = 20_000;

fn provisioner(pool: &PgPool, arguments: &[&str], master_keys: [(&str, String); 2]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command.args(arguments).env_clear().envs(master_keys);
    command.env("DATABASE_URL", pool.connect_options().to_url_lossy().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn rotating(pool: &PgPool) -> Child {
    let master_keys = [("MASTER_KEY", named(2)), ("MASTER_KEYS_OLD", named(1))];
    provisioner(pool, &["rotate-master-key"], master_keys).spawn().unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_rotation_that_is_killed_is_gone_on_with(pool: PgPool) {
    fill(&pool, &keys(&[1]), SECRETS).await;
    let before = opened(&pool, &keys(&[1])).await;
    let mut killed = 0;
    while killed < 3 {
        let (mut process, from) = (rotating(&pool), count_under(&pool, 2).await);
        while count_under(&pool, 2).await == from {
            tokio::task::yield_now().await;
        }
        process.kill().await.unwrap();
        killed += 1;
        assert_eq!(opened(&pool, &keys(&[2, 1])).await, before);
    }
    let left = count_under(&pool, 1).await;
    assert!((1..SECRETS as i64).contains(&left), "{left}");
    // Several at once, and once more when there is nothing to do.
    let at_once = [rotating(&pool), rotating(&pool), rotating(&pool)];
    for process in at_once.into_iter().chain([rotating(&pool)]) {
        let ended = process.wait_with_output().await.unwrap();
        let told = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success() && told.contains("wrapped with the current master key"), "{told}");
    }
    assert_eq!((count_under(&pool, 1).await, opened(&pool, &keys(&[2])).await), (0, before));
    assert!(open_nothing(&pool, &keys(&[1])).await);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_provisioner_without_a_key_that_is_needed_waits_for_it_and_says_which(pool: PgPool) {
    fill(&pool, &keys(&[1]), 2).await;
    let older = std::env::temp_dir().join(format!("rp9-older-keys-{}", uuid::Uuid::now_v7()));
    std::fs::write(&older, named(3)).unwrap();
    let ops = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut process = provisioner(&pool, &[], [("MASTER_KEY", named(2)), ("OPS_BIND", ops.clone())]);
    process.envs([
        ("MASTER_KEYS_OLD_FILE", older.to_str().unwrap()),
        ("SECRETS_REREAD_SECONDS", "1"),
        ("NATS_URL", "nats://127.0.0.1:1"),
        ("CLUSTER_ID", "nowhere"),
        ("TENANT_DOMAIN", "example.com"),
        ("PUBLIC_SCHEME", "https"),
        ("PUBLIC_PORT", "443"),
        ("DOCKER_HOST", "unix:///dev/null"),
        ("TENANT_DATABASE_ADMIN_URL", "postgres://127.0.0.1:1/nothing"),
        ("TENANT_REDIS_ADMIN_URL", "redis://127.0.0.1:1"),
        ("EDGE_PROBE_URL", "http://127.0.0.1:1"),
        ("EDGE_INNER_URL", "http://127.0.0.1:1"),
    ]);
    let child = process.spawn().unwrap();
    let expected =
        "master keys (secrets are wrapped with master keys that are not configured: 1 (2 secrets))";
    let says = async |so: &dyn Fn(&str) -> bool| {
        loop {
            let mut healthcheck = Command::new(env!("CARGO_BIN_EXE_provisioner"));
            let asked = healthcheck.arg("healthcheck").env("OPS_BIND", &ops).output().await.unwrap();
            let told = if asked.status.success() {
                "ready".to_owned()
            } else {
                String::from_utf8(asked.stderr).unwrap()
            };
            if so(&told) {
                break;
            }
        }
    };
    let patience = Duration::from_secs(60);
    let names_it = |told: &str| told.contains(expected);
    tokio::time::timeout(patience, says(&names_it)).await.expect("it says which");
    // It hears of the key without being started again.
    std::fs::write(&older, named(1)).unwrap();
    let goes_on =
        |told: &str| told == "ready" || (told.contains("waiting for") && !told.contains("master keys"));
    tokio::time::timeout(patience, says(&goes_on)).await.expect("it goes on");
    std::fs::remove_file(older).unwrap();
    drop(child);
}
