//! Replicas of two releases on one record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

use std::time::Duration;

use common::database::{DatabaseError, MIGRATOR, has_schema, migrate};
use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{Migrate, MigrateError},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

const NOTED: &str = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                     values ($1, 'of another release', true, '\\x00', 0)";

/// A server may have what every new database begins as migrated already.
async fn emptied(database: &PgPool) {
    sqlx::raw_sql("drop schema public cascade; create schema public; grant usage on schema public to public")
        .execute(database)
        .await
        .unwrap();
}

async fn applied(database: &PgPool, version: i64) {
    sqlx::query(NOTED).bind(version).execute(database).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_release_goes_on_and_back_beside_the_next(database: PgPool) {
    has_schema(&database).await.unwrap();
    applied(&database, 9_999).await;
    has_schema(&database).await.unwrap();
    migrate(&database).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_record_with_somebody_elses_migrations_is_refused_and_left_alone(database: PgPool) {
    applied(&database, 0).await;
    for refused in [has_schema(&database).await.unwrap_err(), migrate(&database).await.unwrap_err()] {
        let foreign = matches!(refused, DatabaseError::Migrate(MigrateError::VersionMissing(0)));
        assert!(foreign, "{refused:?}");
    }
}

#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_missing_is_named_until_it_is_there(database: PgPool) {
    emptied(&database).await;
    let versions: Vec<_> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let behind = async || match has_schema(&database).await {
        Err(DatabaseError::Behind(version)) => Some(version),
        _ => None,
    };
    assert_eq!(behind().await, Some(versions[0]));
    migrate(&database).await.unwrap();
    has_schema(&database).await.unwrap();
    let newest = *versions.last().unwrap();
    sqlx::query("delete from _sqlx_migrations where version = $1")
        .bind(newest)
        .execute(&database)
        .await
        .unwrap();
    assert_eq!(behind().await, Some(newest));
}

/// As in the middle of a rollout: somebody has the turn, and a migration that is not committed.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_only_looks_waits_for_nobody(_: PgPoolOptions, options: PgConnectOptions) {
    let database = PgPool::connect_lazy_with(options.clone());
    let mut other = PgConnection::connect_with(&options).await.unwrap();
    other.lock().await.unwrap();
    let mut open = other.begin().await.unwrap();
    sqlx::query("alter table tenants add column of_the_next_release text").execute(&mut *open).await.unwrap();
    sqlx::query(NOTED).bind(9_999_i64).execute(&mut *open).await.unwrap();
    timeout(Duration::from_secs(2), has_schema(&database)).await.unwrap().unwrap();
}

/// Whoever waits for a table holds up everybody behind it: a migration that cannot have one lets them pass and comes again.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_migrates_does_not_wait_in_front_of_others(database: PgPool) {
    let mut holder = common::database::begin(&database).await.unwrap();
    let held = "lock table _sqlx_migrations in access exclusive mode";
    sqlx::query(held).execute(&mut *holder).await.unwrap();
    let migrating = async {
        migrate(&database).await.unwrap();
    };
    let waits = async || -> bool {
        let waiting = "select exists (select from pg_locks where not granted and database =
                        (select oid from pg_database where datname = current_database()))";
        sqlx::query_scalar(waiting).fetch_one(&database).await.unwrap()
    };
    let becomes = async |so: bool| {
        while waits().await != so {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let watching = async {
        for so in [true, false, true] {
            timeout(Duration::from_secs(10), becomes(so))
                .await
                .expect("it waits, gives way, and comes again");
        }
        holder.rollback().await.unwrap();
    };
    tokio::join!(migrating, watching);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_migration_that_failed_holds_no_lock_and_none_is_limited(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let database = PgPool::connect_lazy_with(options.clone().options([("statement_timeout", "100ms")]));
    let changed = "update _sqlx_migrations set checksum = '\\x00' where version = 1";
    sqlx::query(changed).execute(&database).await.unwrap();
    let refused = migrate(&database).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Migrate(MigrateError::VersionMismatch(1))), "{refused:?}");

    // Somebody else can have the turn at once, and is waited for when it takes longer than a service's statement may.
    let checksum = MIGRATOR.iter().next().unwrap().checksum.to_vec();
    let restored = sqlx::query("update _sqlx_migrations set checksum = $1 where version = 1").bind(checksum);
    restored.execute(&database).await.unwrap();
    let mut other = PgConnection::connect_with(&options).await.unwrap();
    timeout(Duration::from_secs(5), other.lock()).await.unwrap().unwrap();
    let (migrated, ()) = tokio::join!(migrate(&database), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        other.unlock().await.unwrap();
    });
    migrated.unwrap();
}

/// What was served before it had to be proven is served on, until somebody proves it or a month is over.
#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn a_domain_from_before_proofs_is_served_on_for_a_month(database: PgPool) {
    const PROOFS: i64 = 43;
    emptied(&database).await;
    MIGRATOR.run_to(PROOFS - 1, &database).await.unwrap();
    let tenants = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, custom_domain)
        select gen_random_uuid(), 'A', 'a@b.co', status, 'dedicated', status, 'pro', '2.41.1', domain
          from (values ('active', 'flows.acme.example'), ('suspended', null), ('failed', 'came-to-nothing.example'),
                       ('deleted', 'gone.example')) t (status, domain)";
    sqlx::query(tenants).execute(&database).await.unwrap();
    migrate(&database).await.unwrap();
    let claims = "select d.domain, d.state, t.custom_domain = d.domain, d.served_until between now() + interval '29 days' and now() + interval '30 days'
                    from custom_domains d join tenants t on t.id = d.tenant_id";
    let claims: Vec<(String, String, bool, bool)> =
        sqlx::query_as(claims).fetch_all(&database).await.unwrap();
    assert_eq!(claims, [("flows.acme.example".to_owned(), "proven".to_owned(), true, true)]);
    let told = "select data ->> 'domain' from event_outbox where kind = 'tenant.domain_unproven'";
    let told: Vec<String> = sqlx::query_scalar(told).fetch_all(&database).await.unwrap();
    assert_eq!(told, ["flows.acme.example"]);
}

/// A statement in which one seems to return a thousand rows is planned anew each time (migration 0046).
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn functions_say_how_many_rows_they_return(database: PgPool) {
    let silent: Vec<String> = sqlx::query_scalar(
        "select oid::regprocedure::text from pg_proc
          where pronamespace = 'public'::regnamespace and proretset and prorows = 1000",
    )
    .fetch_all(&database)
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new());
}
