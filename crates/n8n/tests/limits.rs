//! What one tenant may take of the database server, and that its neighbours do not notice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use common::id::TenantId;
use n8n::account;
use n8n::databases::{Name, TenantDatabases as _};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
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
