//! A record that takes no writes for a while.

use std::{sync::Arc, time::Duration};

use common::{
    config::Env,
    database::{self, DatabaseConfig, MIGRATOR},
    operations::{Gate, Store, Wake, Worker},
    service::Tasks,
};
use provisioner::sagas;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};
use tokio::time::{sleep, timeout};

use crate::support::Fakes;

const TENANTS: i64 = 8;
const WORKER: &str = "read-only-worker";

/// A provisioner's pool, and what it does with it.
fn work(fakes: &Fakes, tasks: &Tasks) {
    let url = fakes.pool.connect_options().to_url_lossy().to_string();
    let config: DatabaseConfig = Env::of([("DATABASE_URL", url.as_str())]).load().unwrap();
    let store = Store::new(database::pool(&config, WORKER).unwrap(), WORKER);
    let world = Arc::new(fakes.world(WORKER));
    Worker { store, world, sagas: sagas(), wake: Wake::default(), gate: Gate::default(), limit: 8 }
        .spawn(tasks);
}

/// For connections that begin from now on.
async fn set(pool: &PgPool, setting: &str) {
    let name = pool.connect_options().get_database().unwrap().to_owned();
    let change = AssertSqlSafe(format!("begin read write; alter database \"{name}\" {setting}; commit"));
    sqlx::raw_sql(change).execute(pool).await.unwrap();
}

async fn end_connections(pool: &PgPool) {
    let theirs = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and application_name = $1";
    sqlx::query(theirs).bind(WORKER).execute(pool).await.unwrap();
}

async fn count(pool: &PgPool, question: &'static str) -> i64 {
    sqlx::query_scalar(question).fetch_one(pool).await.unwrap()
}

async fn until(pool: &PgPool, question: &'static str, least: i64) {
    let so = async {
        while count(pool, question).await < least {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(120), so).await.unwrap_or_else(|_| panic!("{question}: never {least}"));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn operations_wait_while_the_record_takes_no_writes_and_then_go_on(pool: PgPool) {
    let (fakes, tasks) = (Fakes::new(&pool), Tasks::default());
    for _ in 0..TENANTS {
        fakes.accept("starter").await;
    }
    let begun = "select count(*) from operation_steps";
    work(&fakes, &tasks);
    until(&pool, begun, 4).await;
    set(&pool, "set default_transaction_read_only = on").await;
    end_connections(&pool).await;
    sleep(Duration::from_secs(2)).await;
    let written = count(&pool, begun).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(count(&pool, begun).await, written, "nothing is written");
    assert!(count(&pool, "select count(*) from tenants where status = 'active'").await < TENANTS);

    set(&pool, "reset default_transaction_read_only").await;
    until(&pool, "select count(*) from tenants where status = 'active'", TENANTS).await;
    tasks.finish(Duration::from_secs(10)).await.unwrap();
    assert_eq!(count(&pool, "select count(*) from operation_steps where event like 'undo%'").await, 0);
}
