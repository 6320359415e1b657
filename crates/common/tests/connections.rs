//! Connections are what they were asked to be, or are not used.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[path = "support/pooler.rs"]
mod pooler;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use common::{
    config::Env,
    database::{DatabaseConfig, DatabaseError, MIGRATOR, Statements, Unfit, migrate, owners, pool},
    error::{Classify, Kind},
    service::Tasks,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};

const DIGEST: &str = "insert into request_signatures (digest) values (gen_random_uuid()::text::bytea)";

/// A service's pool, to this server.
fn service(server: &PgConnectOptions) -> PgPool {
    service_of(server, "16")
}

/// The same with so many connections at once.
fn service_of(server: &PgConnectOptions, connections: &str) -> PgPool {
    let url = server.clone().ssl_mode(PgSslMode::Disable).to_url_lossy().to_string();
    let config: DatabaseConfig =
        Env::of([("DATABASE_URL", url.as_str()), ("DATABASE_CONNECTIONS", connections)]).load().unwrap();
    pool(&config, "test").unwrap()
}

/// From now on, for new connections to this database.
async fn from_now_on(database: &PgPool, change: &str) {
    let name = database.connect_options().get_database().unwrap().to_owned();
    let change = AssertSqlSafe(format!("alter database \"{name}\" {change}"));
    sqlx::raw_sql(change).execute(database).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn connections_through_a_pooler_that_drops_their_settings_are_not_used(database: PgPool) {
    let tasks = Tasks::default();
    let server = database.connect_options();
    let straight = service(&server);
    migrate(&straight).await.unwrap();
    let limit: String = sqlx::query_scalar("show statement_timeout").fetch_one(&straight).await.unwrap();
    assert_eq!(limit, "15s");

    let pooler = pooler::before(&server, &tasks).await;
    let through = service(&(*server).clone().host("127.0.0.1").port(pooler));
    let refused = migrate(&through).await.unwrap_err();
    let DatabaseError::Unfit(Unfit::Settings(lost)) = &refused else { unreachable!("{refused:?}") };
    assert_eq!(lost, "statement_timeout, lock_timeout, idle_in_transaction_session_timeout");
    assert!(refused.to_string().contains("pool by session"), "{refused}");

    let one = "select 1";
    let errors = [
        sqlx::query(one).execute(&through).await.unwrap_err(),
        sqlx::query(one).execute(&Statements::beside(&through)).await.unwrap_err(),
        sqlx::query(one).execute(&owners(&through)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
    }
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_server_that_only_follows_another_is_not_used(database: PgPool) {
    // What a standby says of itself, said by this database.
    let standby = "create function public.pg_is_in_recovery() returns boolean language sql as 'select true'";
    sqlx::raw_sql(standby).execute(&database).await.unwrap();
    from_now_on(&database, "set search_path = public, pg_catalog").await;

    let service = service(&database.connect_options());
    let refused = migrate(&service).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Unfit(Unfit::Standby)), "{refused:?}");
    let error = sqlx::query("select 1").execute(&Statements::beside(&service)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn connections_to_a_server_that_takes_no_writes_are_given_up(database: PgPool) {
    from_now_on(&database, "set default_transaction_read_only = on").await;
    let service = service(&database.connect_options());
    let statements = Statements::beside(&service);

    // It can be read, and whoever wants to write is told to come again.
    let tenants: i64 =
        sqlx::query_scalar("select count(*) from tenants").fetch_one(&statements).await.unwrap();
    assert_eq!(tenants, 0);
    let single = sqlx::query(DIGEST).execute(&statements).await.unwrap_err();
    let mut transaction = common::database::begin(&service).await.unwrap();
    let within = sqlx::query(DIGEST).execute(&mut *transaction).await.unwrap_err();
    drop(transaction);
    assert_eq!(
        (single.kind(), within.kind()),
        (Kind::Unavailable, Kind::Unavailable),
        "{single:?} {within:?}"
    );

    // Connections that were open keep to what they began with: those that are used soon after are others.
    from_now_on(&database, "reset default_transaction_read_only").await;
    eventually(async || sqlx::query(DIGEST).execute(&statements).await.is_ok()).await;
    eventually(async || write(&service).await.is_ok()).await;
}

/// Until it is so.
async fn eventually(so: impl AsyncFn() -> bool) {
    let becomes = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), becomes).await.unwrap();
}

async fn write(service: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = common::database::begin(service).await?;
    sqlx::query(DIGEST).execute(&mut *transaction).await?;
    transaction.commit().await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn while_nothing_takes_writes_connections_are_not_made_anew_for_each_use(database: PgPool) {
    from_now_on(&database, "set default_transaction_read_only = on").await;
    // One that is given back late is waited for: whoever comes next needs no other.
    let service = service_of(&database.connect_options(), "1");
    let (statements, begun) = (Statements::beside(&service), Instant::now());
    let mut servers = HashSet::new();
    for _ in 0..50 {
        let mut transaction = common::database::begin(&service).await.unwrap();
        let server = sqlx::query_scalar::<_, i32>("select pg_backend_pid()").fetch_one(&mut *transaction);
        servers.insert(server.await.unwrap());
        transaction.commit().await.unwrap();
        assert!(sqlx::query(DIGEST).execute(&statements).await.is_err());
    }
    let most = 2 + usize::try_from(begun.elapsed().as_secs()).unwrap();
    assert!(servers.len() <= most, "{} connections", servers.len());
}
