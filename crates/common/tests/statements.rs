//! Connections for single statements are good for the next one, whatever became of the last.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::time::Duration;

use common::{
    database::{MIGRATOR, Statements},
    error::{Classify, Kind},
};
use futures::FutureExt;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::Instant;

/// One connection, for which nobody waits long.
fn one(options: PgConnectOptions) -> (PgPool, Statements) {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_millis(500));
    let pool = pool.connect_lazy_with(options);
    let statements = Statements::beside(&pool);
    (pool, statements)
}

/// Which connection is it?
async fn backend(statements: &Statements) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(statements).await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_error_costs_no_connection_and_undoes_its_statement(_: PgPoolOptions, options: PgConnectOptions) {
    let (_pool, statements) = one(options);
    let before = backend(&statements).await.unwrap();
    let twice = "insert into request_signatures (digest) select '\\x01'::bytea from generate_series(1, 2)";
    assert!(sqlx::query(twice).execute(&statements).await.is_err());
    let rows: i64 =
        sqlx::query_scalar("select count(*) from request_signatures").fetch_one(&statements).await.unwrap();
    assert_eq!((rows, backend(&statements).await.unwrap()), (0, before));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_statement_that_nobody_waits_for_is_answered_before_the_next(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (_pool, statements) = one(options);
    for turns in 0..50 {
        {
            let mut given_up = sqlx::query("select pg_sleep(0.02)").execute(&statements).boxed();
            for _ in 0..turns {
                // On a busy machine so many turns may take longer than the statement.
                if given_up.as_mut().now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let sum: i32 = sqlx::query_scalar("select $1 + 1").bind(turns).fetch_one(&statements).await.unwrap();
        assert_eq!(sum, turns + 1);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_connection_that_the_server_closed_is_replaced(pool: PgPool) {
    let (_one, statements) = one((*pool.connect_options()).clone());
    let before = backend(&statements).await.unwrap();
    let closed: bool = sqlx::query_scalar("select pg_terminate_backend($1, 5000)")
        .bind(before)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(closed);
    // Whoever is the first to find out is told to come again.
    if let Err(error) = backend(&statements).await {
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
    }
    assert_ne!(backend(&statements).await.unwrap(), before);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn whoever_waits_in_vain_for_a_connection_is_told_to_come_again(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (pool, statements) = one(options);
    let (long, waiting) = tokio::join!(sqlx::query("select pg_sleep(2)").execute(&statements), async {
        let begun = Instant::now();
        (backend(&statements).await.unwrap_err().kind(), begun.elapsed())
    },);
    long.unwrap();
    assert_eq!(waiting.0, Kind::Unavailable);
    assert!(waiting.1 < Duration::from_secs(2), "{waiting:?}");
    pool.close().await;
    let closed = async {
        while !matches!(backend(&statements).await, Err(sqlx::Error::PoolClosed)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
}
