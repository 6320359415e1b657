//! The database that new tenants are copied from.

use sqlx::postgres::PgConnection;

use super::session::refused;
use super::statement::{identifier, run};
use super::{DatabaseError, Migrate, PostgresDatabases, clone, roles};
use crate::databases::MigrationTarget;
use crate::{Version, account, schema};

/// n8n's migrations use a pool of two; the rest is for its health checks and ours.
const CONNECTIONS: u16 = 5;

pub(super) async fn ensure(
    server: &PostgresDatabases,
    version: Version,
    migrate: &dyn Migrate,
) -> Result<(), DatabaseError> {
    let name = version.template_name();
    let mut session = server.lock(&name).await?;
    if is_finished(&mut session, &name).await? {
        return Ok(());
    }
    // Whoever began it held this lock and is gone. How far the migrations came cannot be told, so it starts again.
    clone::remove(&mut session, &name).await?;
    let target = prepare(server, &mut session, version, &name).await?;
    migrate.migrate(&target).await?;

    let mut inside = server.connect_to(&name).await?;
    schema::check(&mut inside, version).await?;
    schema::clean(&mut inside).await?;
    // Copies begin with statistics and without dead rows; frozen rows need no attention while nobody can connect.
    run(&mut inside, "tidy a template", "VACUUM (FREEZE, ANALYZE)".into()).await?;
    drop(inside);

    roles::close(&mut session, &name).await?;
    end_connections(&mut session, &name).await?;
    let finish =
        format!("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false", identifier(&name));
    run(&mut session, "finish a template", finish).await
}

async fn is_finished(session: &mut PgConnection, name: &str) -> Result<bool, DatabaseError> {
    let question = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate AND NOT datallowconn)",
    );
    question.bind(name).fetch_one(session).await.map_err(refused("look for a template"))
}

/// An empty database, and a login for the migrations whose password nobody but they ever learns.
async fn prepare(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    version: Version,
    name: &str,
) -> Result<MigrationTarget, DatabaseError> {
    let password = account::generate_key().map_err(|_| DatabaseError::Randomness)?;
    roles::ensure(session, name, &password, CONNECTIONS).await?;
    // From `template0`, so that nothing somebody left in `template1` reaches a tenant.
    let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", identifier(name));
    run(session, "create a template", create).await?;
    clone::shut(session, name, name).await?;
    let mut inside = server.connect_to(name).await?;
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA public TO {}", identifier(name));
    run(&mut inside, "open the schema to the migrations", grant).await?;
    let (database, user) = (name.to_owned(), name.to_owned());
    Ok(MigrationTarget { version, database, user, password })
}

/// A copy cannot be made while anybody is connected to its source.
async fn end_connections(session: &mut PgConnection, name: &str) -> Result<(), DatabaseError> {
    let end = sqlx::query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1");
    end.bind(name).execute(session).await.map(drop).map_err(refused("end connections"))
}
