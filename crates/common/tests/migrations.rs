//! Replicas of two releases on one record.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::time::Duration;

use common::database::{DatabaseError, MIGRATOR, migrate};
use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{Migrate, MigrateError},
    postgres::{PgConnectOptions, PgPoolOptions},
};

async fn applied(database: &PgPool, version: i64) {
    let noted = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values ($1, 'of another release', true, '\\x00', 0)";
    sqlx::query(noted).bind(version).execute(database).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_replica_of_the_release_before_becomes_ready_beside_the_next(database: PgPool) {
    applied(&database, 9_999).await;
    migrate(&database).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_record_with_somebody_elses_migrations_is_refused_and_left_alone(database: PgPool) {
    applied(&database, 0).await;
    let refused = migrate(&database).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Migrate(MigrateError::VersionMissing(0))), "{refused:?}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_migration_that_failed_holds_no_lock_and_none_is_limited(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let database = PgPool::connect_lazy_with(options.clone().options([("lock_timeout", "100ms")]));
    let changed = "update _sqlx_migrations set checksum = '\\x00' where version = 1";
    sqlx::query(changed).execute(&database).await.unwrap();
    let refused = migrate(&database).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Migrate(MigrateError::VersionMismatch(1))), "{refused:?}");

    // Somebody else can have the turn at once, and is waited for when it takes longer than a service's statement may.
    let checksum = MIGRATOR.iter().next().unwrap().checksum.to_vec();
    let restored = sqlx::query("update _sqlx_migrations set checksum = $1 where version = 1").bind(checksum);
    restored.execute(&database).await.unwrap();
    let mut other = PgConnection::connect_with(&options).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), other.lock()).await.unwrap().unwrap();
    let (migrated, ()) = tokio::join!(migrate(&database), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        other.unlock().await.unwrap();
    });
    migrated.unwrap();
}
