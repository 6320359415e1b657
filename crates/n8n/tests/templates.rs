//! Templates on a real PostgreSQL that does not leave them alone: another C library, a monitor in every database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use futures::future::join_all;
use n8n::account;
use n8n::databases::{DatabaseError, Name, TenantDatabases as _, template_name};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use support::{RealMigrations, VERSION, ask, databases, variable};
use tokio::sync::Mutex;

/// There is one template for all.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn superuser() -> PgConnectOptions {
    variable("DATABASE_URL").parse().unwrap()
}

/// As if the server's image had moved on to another C library.
async fn outdate() {
    let outdate = format!(
        "UPDATE pg_database SET datcollversion = '2.31' WHERE datname = '{}'",
        template_name(VERSION)
    );
    ask(&superuser(), &outdate).await.unwrap();
}

/// Tries again as long as the failure may pass, as an operation does.
async fn create(name: Name) -> Result<(), DatabaseError> {
    for _ in 0..60 {
        match try_create(name).await {
            Err(error) if error.kind().is_transient() => tokio::time::sleep(Duration::from_millis(500)).await,
            made => return made,
        }
    }
    try_create(name).await
}

async fn try_create(name: Name) -> Result<(), DatabaseError> {
    let (server, password) = (databases(), account::generate_key().unwrap());
    server.ensure_template(VERSION, &RealMigrations).await?;
    server.ensure_role(&name, &password, 9).await?;
    server.ensure_database(&name, &name, VERSION).await
}

async fn remove(name: Name) {
    while let Err(error) = databases().remove_database(&name).await {
        assert!(error.kind().is_transient(), "{}", common::error::chain(&error));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    databases().remove_role(&name).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn one_made_under_another_c_library_is_made_anew() {
    let (_turn, name) = (ONE_AT_A_TIME.lock().await, Name::of(TenantId::generate()));
    databases().ensure_template(VERSION, &RealMigrations).await.unwrap();
    outdate().await;
    try_create(name).await.unwrap();
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn one_that_the_server_refuses_to_copy_counts_as_unfinished_from_then_on() {
    let (_turn, name) = (ONE_AT_A_TIME.lock().await, Name::of(TenantId::generate()));
    try_create(name).await.unwrap();
    remove(name).await;
    let password = account::generate_key().unwrap();
    databases().ensure_role(&name, &password, 9).await.unwrap();
    outdate().await;
    let refused = databases().ensure_database(&name, &name, VERSION).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::UnfitTemplate(..)), "{refused:?}");
    assert_eq!(refused.kind(), Kind::Unavailable);
    let seen = databases().observe().await.unwrap().templates;
    assert!(seen.iter().any(|template| template.version == VERSION && !template.finished), "{seen:?}");
    try_create(name).await.unwrap();
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn databases_are_ordered_by_the_server_and_not_by_its_c_library() {
    let (_turn, name) = (ONE_AT_A_TIME.lock().await, Name::of(TenantId::generate()));
    outdate().await;
    try_create(name).await.unwrap();
    for database in [name.to_string(), template_name(VERSION)] {
        let ordered = format!(
            "SELECT format('%s %s %s', datlocprovider, datlocale, datctype) FROM pg_database WHERE datname = '{database}'"
        );
        assert_eq!(ask(&superuser(), &ordered).await.unwrap().as_deref(), Some("b C.UTF-8 C"), "{database}");
    }
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn whoever_may_not_be_ended_keeps_nobody_else_inside() {
    let (_turn, name) = (ONE_AT_A_TIME.lock().await, Name::of(TenantId::generate()));
    create(name).await.unwrap();
    let monitor = superuser().database(&name.to_string()).connect().await.unwrap();
    let mut ours = support::postgres().database(&name.to_string()).connect().await.unwrap();
    let refused = databases().remove_database(&name).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Unavailable(_)), "{refused:?}");
    assert!(sqlx::query("SELECT 1").execute(&mut ours).await.is_err(), "ours was ended");
    drop(monitor);
    remove(name).await;
}

/// Connects to each database there is, as a superuser may, and stays a moment.
async fn monitor() {
    loop {
        let all = "SELECT string_agg(datname, ',') FROM pg_database WHERE datallowconn";
        let all = ask(&superuser(), all).await.unwrap().unwrap_or_default();
        join_all(all.split(',').map(async |database| {
            // One that is gone by now, or closed, is no concern of a monitor's.
            if let Ok(_inside) = superuser().database(database).connect().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }))
        .await;
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_monitor_in_every_database_is_in_nobodys_way() {
    let _turn = ONE_AT_A_TIME.lock().await;
    databases().ensure_template(VERSION, &RealMigrations).await.unwrap();
    outdate().await;
    let names: Vec<_> = (0..20).map(|_| Name::of(TenantId::generate())).collect();
    let work = async {
        for outcome in join_all(names.iter().map(|name| create(*name))).await {
            outcome.unwrap();
        }
        join_all(names.iter().map(|name| remove(*name))).await;
    };
    tokio::select! {
        () = monitor() => unreachable!("a monitor does not end"),
        () = work => {}
    }
}
