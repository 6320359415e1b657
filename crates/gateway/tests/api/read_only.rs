//! A record that takes no writes for a while: a primary that was demoted, or one that guards the last of its disk.

use common::{config::Env, database::DatabaseConfig};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

use crate::support::{Call, Platform, eventually, tenant};

/// For every connection that begins from now on.
async fn new_connections(database: &PgPool, setting: &str) {
    let name = database.connect_options().get_database().unwrap().to_owned();
    // Whoever takes the setting back may have begun with it.
    let change = AssertSqlSafe(format!("begin read write; alter database \"{name}\" {setting}; commit"));
    sqlx::raw_sql(change).execute(database).await.unwrap();
}

/// So that there is none that began before.
async fn end_connections(database: &PgPool) {
    let others = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(others).execute(database).await.unwrap();
}

/// A pool as services have it.
fn services(database: &PgPool) -> PgPool {
    let url = database.connect_options().to_url_lossy().to_string();
    let config: DatabaseConfig = Env::of([("DATABASE_URL", url.as_str())]).load().unwrap();
    common::database::pool(&config, "gateway").unwrap()
}

/// So many entries of the audit log are like this.
async fn count(database: &PgPool, condition: &str) -> i64 {
    let count = AssertSqlSafe(format!("select count(*) from audit_logs where {condition}"));
    sqlx::query_scalar(count).fetch_one(database).await.unwrap()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn while_the_record_takes_no_writes_callers_are_told_to_come_again(database: PgPool) {
    let platform = Platform::on(services(&database)).await;
    new_connections(&database, "set default_transaction_read_only = on").await;
    end_connections(&database).await;

    let list = Call::get("/tenants").by_a("admin");
    eventually(async || platform.send(list.clone()).await.status == 200).await;
    let create = || Call::post("/tenants", &tenant("acme")).by_a("service").key("k").signed();
    for _ in 0..3 {
        let refused = platform.send(create()).await;
        refused.assert_problem(503, "unavailable");
        assert_eq!(refused.header("retry-after"), "2");
    }

    eventually(async || {
        let detailed = platform.send(Call::get("/health/detailed")).await;
        (detailed.status.as_u16(), &detailed.json()["dependencies"]["database"]) == (200, &"degraded".into())
    })
    .await;
    assert_eq!(platform.send(Call::get("/healthz")).await.status, 200);

    // Connections keep what they began with: only because those are given up, others can be had that write.
    new_connections(&database, "reset default_transaction_read_only").await;
    eventually(async || platform.send(create()).await.status == 201).await;
    // Not even what was refused meanwhile is missing.
    eventually(async || count(&database, "outcome = 'refused: unavailable'").await >= 3).await;
    assert_eq!(count(&database, "outcome = 'accepted'").await, 1);
    platform.stop().await;
}
