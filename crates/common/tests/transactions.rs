//! Whoever goes away while a transaction begins leaves none behind on a connection that others get.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::pin::pin;

use common::database::{MIGRATOR, begin};
use futures::FutureExt;
use sqlx::{PgPool, postgres::PgPoolOptions};
use time::OffsetDateTime;

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_transaction_that_nobody_waits_for_any_more_does_not_stay_open(database: PgPool) {
    let options = (*database.connect_options()).clone();
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    for turns in 0..200 {
        {
            let mut begun = pin!(begin(&pool));
            for _ in 0..turns {
                if begun.as_mut().now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // In a transaction, time stands still.
        let now = || sqlx::query_scalar::<_, OffsetDateTime>("select now()").fetch_one(&pool);
        let (first, second) = (now().await.unwrap(), now().await.unwrap());
        assert!(first < second, "after {turns} turns a transaction is open");
    }
}
