//! What one tenant may take of the database server, and that its neighbours do not notice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use n8n::account;
use n8n::databases::{Limits, Name, TenantDatabases as _};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use support::{RealMigrations, VERSION, ask, databases, postgres};

const CONNECTIONS: u16 = 3;

async fn tenant() -> (Name, PgConnectOptions) {
    let (name, password): (_, SecretString) =
        (Name::of(TenantId::generate()), account::generate_key().unwrap());
    let server = databases();
    server.ensure_template(VERSION, &RealMigrations).await.unwrap();
    server.ensure_role(&name, &password, CONNECTIONS).await.unwrap();
    server.ensure_database(&name, &name, VERSION).await.unwrap();
    let login = postgres().username(&name.to_string()).password(password.expose_secret());
    (name, login.database(&name.to_string()))
}

async fn remove(name: Name) {
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn connections_of_one_end_at_its_limit_and_a_neighbour_still_gets_in() {
    let ((greedy, login), (neighbour, its_login)) = (tenant().await, tenant().await);
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(login.connect().await.unwrap());
    }
    assert_eq!(ask(&login, "SELECT 'in'").await, Err("53300".to_owned()));
    assert_eq!(ask(&its_login, "SELECT 'in'").await.unwrap().as_deref(), Some("in"));
    drop(held);
    remove(greedy).await;
    remove(neighbour).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn statements_idle_transactions_and_temporary_files_have_an_end() {
    let (name, login) = tenant().await;
    for (setting, value) in [
        ("statement_timeout", "30min"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("temp_file_limit", "1GB"),
    ] {
        let shown = ask(&login, &format!("SHOW {setting}")).await.unwrap();
        assert_eq!(shown.as_deref(), Some(value), "{setting}");
    }
    // What bounds the disk is not the tenant's to change.
    assert_eq!(ask(&login, "SET temp_file_limit = -1").await, Err("42501".to_owned()));
    remove(name).await;
}

/// Somebody holds this name, as a process does that hangs in the middle of a copy.
async fn hold(name: &Name) -> PgConnection {
    let mut holder: PgConnection = postgres().connect().await.unwrap();
    let hold = sqlx::query("SELECT pg_advisory_lock($1, hashtext($2))").bind(0x7270_3974_i32);
    hold.bind(name.to_string()).execute(&mut holder).await.unwrap();
    holder
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_server_that_hangs_holds_nobody_for_ever() {
    let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
    let holder = hold(&name).await;
    let limit = Duration::from_millis(300);
    let limits = Limits { whole_database: limit, ..Limits::default() };
    let refused = databases().with_limits(limits).ensure_role(&name, &password, CONNECTIONS).await;
    let kind = refused.unwrap_err().kind();
    assert!(matches!(kind, Kind::Unavailable | Kind::Timeout), "{kind}");
    drop(holder);
    databases().ensure_role(&name, &password, CONNECTIONS).await.unwrap();

    // Whoever has the name waits no longer than others for what somebody else holds.
    let mut other: PgConnection = postgres().connect().await.unwrap();
    sqlx::query("BEGIN").execute(&mut other).await.unwrap();
    let alter = format!("ALTER ROLE \"{name}\" CONNECTION LIMIT 1");
    sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut other).await.unwrap();
    let limits = Limits { lock: limit, ..Limits::default() };
    let refused = databases().with_limits(limits).ensure_role(&name, &password, CONNECTIONS).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Unavailable);
    drop(other);
    databases().remove_role(&name).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_was_never_there_is_removed_without_a_way_in_of_its_own_but_not_past_whoever_makes_it() {
    let name = Name::of(TenantId::generate());
    let server = databases();
    // The one that is kept is opened here.
    server.remove_role(&name).await.unwrap();
    let sessions = "SELECT sessions::text FROM pg_stat_database WHERE datname = current_database()";
    let mut watcher: PgConnection = postgres().connect().await.unwrap();
    let mut opened = async || {
        sqlx::raw_sql("SELECT pg_stat_force_next_flush()").execute(&mut watcher).await.unwrap();
        let told: String = sqlx::query_scalar(sessions).fetch_one(&mut watcher).await.unwrap();
        told.parse::<u64>().unwrap()
    };
    let before = opened().await;
    for _ in 0..100 {
        server.remove_database(&name).await.unwrap();
        server.remove_role(&name).await.unwrap();
    }
    // Others are let in as well, but not one for each.
    let opened = opened().await - before;
    assert!(opened < 100, "{opened}");

    let holder = hold(&name).await;
    let limit = Duration::from_millis(300);
    let limits = Limits { whole_database: limit, ..Limits::default() };
    let impatient = databases().with_limits(limits);
    for refused in [impatient.remove_database(&name).await, impatient.remove_role(&name).await] {
        let kind = refused.unwrap_err().kind();
        assert!(matches!(kind, Kind::Unavailable | Kind::Timeout), "{kind}");
    }
    drop(holder);
    impatient.remove_database(&name).await.unwrap();
}
