//! Bringing the schema up to date, while services of the release before go on using it; and waiting until somebody has.

use std::time::Duration;

use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{AppliedMigration, Migrate, MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use tokio::time::{sleep, timeout};

use super::{DatabaseError, fitness};

/// Every migration, compiled in: what `migrate` applies, and what a service of this release needs to be there.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// A migration takes as long as it takes; but whoever waits for a table holds up everybody behind it, so it does not wait for long
/// and comes again instead.
const LIMITS: [(&str, &str); 2] = [("statement_timeout", "0"), ("lock_timeout", "2s")];

/// Until what a migration needs is asked for again: others go on meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

/// A lock that was not to be had within `lock_timeout`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Sees that connections arrive as services need them, and brings the schema up to date. Any number may do so at once: they take
/// turns. Beside services that use the schema it waits for what they hold, without holding up others.
///
/// On a connection of its own, which is closed afterwards: the turn ends with it, whatever happened.
pub async fn migrate(pool: &PgPool) -> Result<(), DatabaseError> {
    let usual = pool.connect_options();
    drop(connect(pool, &usual).await?.close().await);
    let options = (*usual).clone().options(LIMITS);
    loop {
        let mut connection = connect(pool, &options).await?;
        let migrated = run(&mut connection).await;
        drop(connection.close().await);
        match migrated {
            Ok(()) => return Ok(()),
            Err(error) if is_locked(&error) => {
                tracing::info!("somebody holds what the migrations need; they are tried again");
                sleep(PAUSE).await;
            }
            Err(error) => return Err(DatabaseError::Migrate(error)),
        }
    }
}

/// Sees that connections arrive as services need them, and that the schema has all that this release knows. Changes nothing and
/// waits for nobody, also while somebody migrates.
pub async fn has_schema(pool: &PgPool) -> Result<(), DatabaseError> {
    let mut connection = connect(pool, &pool.connect_options()).await?;
    let applied = applied(&mut connection).await;
    drop(connection.close().await);
    let applied = applied.map_err(DatabaseError::Connect)?;
    if let Some(version) = foreign(applied.iter().map(|migration| migration.version)) {
        return Err(DatabaseError::Migrate(MigrateError::VersionMissing(version)));
    }
    for ours in MIGRATOR.iter() {
        match applied.iter().find(|migration| migration.version == ours.version) {
            Some(theirs) if theirs.checksum == ours.checksum => {}
            Some(_) => return Err(DatabaseError::Migrate(MigrateError::VersionMismatch(ours.version))),
            None => return Err(DatabaseError::Behind(ours.version)),
        }
    }
    Ok(())
}

/// A connection as it was asked for.
async fn connect(pool: &PgPool, options: &PgConnectOptions) -> Result<PgConnection, DatabaseError> {
    let fit = async {
        let mut connection = PgConnection::connect_with(options).await?;
        let unfit = fitness::look(&mut connection, options).await?;
        Ok((connection, unfit))
    };
    match timeout(pool.options().get_acquire_timeout(), fit).await {
        Ok(Ok((connection, None))) => Ok(connection),
        Ok(Ok((_, Some(unfit)))) => Err(DatabaseError::Unfit(unfit)),
        Ok(Err(error)) => Err(DatabaseError::Connect(error)),
        Err(_) => Err(DatabaseError::Connect(sqlx::Error::PoolTimedOut)),
    }
}

async fn run(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    connection.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await?;
    if let Some(version) = foreign(applied.iter().map(|migration| migration.version)) {
        return Err(MigrateError::VersionMissing(version));
    }
    // Those of a later release only add: what this one knows is all there.
    migrator.set_ignore_missing(true).run_direct(None, connection, false).await
}

/// What was applied and committed; nothing on a record that nobody has migrated yet.
async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    let there: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(MIGRATOR.table_name.as_ref())
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success order by version")
            .fetch_all(connection)
            .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|(version, checksum)| AppliedMigration { version, checksum: checksum.into() }).collect())
}

/// The first that was applied before the newest of ours and is none of ours: that is another schema, not a later one.
fn foreign(applied: impl Iterator<Item = i64>) -> Option<i64> {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    applied.filter(|version| Some(*version) < newest).find(|version| !MIGRATOR.version_exists(*version))
}

/// Whether it failed for a lock alone.
fn is_locked(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some(LOCK_NOT_AVAILABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_migration_is_welcome_and_one_in_between_is_not() {
        let ours = || MIGRATOR.iter().map(|migration| migration.version);
        assert_eq!(foreign(ours().chain([i64::MAX])), None);
        assert_eq!(foreign(ours().chain([0])), Some(0));
        assert_eq!(foreign(std::iter::empty()), None);
    }
}
