//! Bringing the schema up to date, while services of the release before go on using it.

use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{Migrate, MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use tokio::time::timeout;

use super::{DatabaseError, fitness};

/// Every migration, compiled in, so that each service can bring the schema up to its own version.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// A migration takes as long as it takes, and so does waiting for another service that is at it.
const UNLIMITED: [(&str, &str); 2] = [("statement_timeout", "0"), ("lock_timeout", "0")];

/// Sees that connections arrive as services need them, and brings the schema up to date. Any number of services may do so at once:
/// they take turns.
///
/// On a connection of its own, which is closed afterwards: the turn ends with it, whatever happened.
pub async fn migrate(pool: &PgPool) -> Result<(), DatabaseError> {
    let options = pool.connect_options();
    drop(connect(pool, &options).await?.close().await);
    let mut connection = connect(pool, &(*options).clone().options(UNLIMITED)).await?;
    let migrated = run(&mut connection).await;
    drop(connection.close().await);
    migrated.map_err(DatabaseError::Migrate)
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

/// The first that was applied before the newest of ours and is none of ours: that is another schema, not a later one.
fn foreign(applied: impl Iterator<Item = i64>) -> Option<i64> {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    applied.filter(|version| Some(*version) < newest).find(|version| !MIGRATOR.version_exists(*version))
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
