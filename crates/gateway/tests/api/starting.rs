//! How a gateway begins: it waits for the schema that its release needs, and makes none.

use sqlx::PgPool;

use crate::support::{Replica, eventually};

#[sqlx::test(migrations = false)]
#[ignore = "needs servers: deploy/test"]
async fn a_gateway_waits_until_somebody_has_migrated(database: PgPool) {
    // A server may have what every new database begins as migrated already.
    sqlx::raw_sql("drop schema public cascade; create schema public; grant usage on schema public to public")
        .execute(&database)
        .await
        .unwrap();
    let mut replica = Replica::spawn(&database, &[], None);
    let waits = async || replica.waits_for().await.is_some_and(|why| why.contains("has not been applied"));
    eventually(waits).await;
    let made = "select count(*) from information_schema.tables where table_schema = 'public'";
    assert_eq!(sqlx::query_scalar::<_, i64>(made).fetch_one(&database).await.unwrap(), 0);

    assert!(Replica::migrate(&database).await);
    eventually(async || replica.is_ready().await).await;
    assert!(Replica::migrate(&database).await, "once more changes nothing");

    // A later release migrates; this one is restarted beside it, and rolled back to.
    let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'of the next release', true, '\\x00', 0)";
    sqlx::query(later).execute(&database).await.unwrap();
    replica.kill().await;
    replica.restart().await;
    assert!(Replica::migrate(&database).await);
}
