//! The database that new tenants are copied from.

use sqlx::postgres::PgConnection;

use super::database::{condemn, end_connections, remove, shut};
use super::session::refused;
use super::statement::{identifier, run};
use super::{DatabaseError, Migrate, PostgresDatabases, meter, roles, schema};
use crate::databases::{MigrationTarget, template_name};
use crate::{Version, account};

/// n8n's migrations use a pool of two; the rest is for its health checks and ours.
const CONNECTIONS: u16 = 5;

pub(super) async fn ensure(
    server: &PostgresDatabases,
    version: Version,
    migrate: &dyn Migrate,
) -> Result<(), DatabaseError> {
    let name = template_name(version);
    let mut session = server.lock(&name).await?;
    match state(&mut session, &name).await? {
        Some(State { finished: true, collated: true }) => return Ok(()),
        Some(State { finished: true, collated: false }) => {
            tracing::warn!(
                template = name,
                "made under another C library, so it cannot be copied: making it anew"
            );
            condemn(&mut session, &name).await?;
        }
        Some(State { finished: false, .. }) | None => {}
    }
    // Whoever began it held this lock and is gone. How far the migrations came cannot be told, so it starts again. An unfit one is
    // of no use to anybody meanwhile.
    remove(&mut session, &name).await?;
    let target = prepare(server, &mut session, version, &name).await?;
    migrate.migrate(&target).await?;

    let mut inside = server.open_template(&name).await?;
    schema::check(&mut inside, version).await?;
    schema::clean(&mut inside).await?;
    meter::make(&mut inside).await?;
    // Copies begin with statistics and without dead rows; frozen rows need no attention while nobody can connect.
    run(&mut inside, "tidy a template", "VACUUM (FREEZE, ANALYZE)").await?;
    drop(inside);

    roles::close(&mut session, &name).await?;
    // In this order, or somebody who connects to every database there is comes back in between.
    let close = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", identifier(&name));
    run(&mut session, "close a template", close).await?;
    end_connections(&mut session, &name).await?;
    let finish = format!("ALTER DATABASE {} WITH IS_TEMPLATE true", identifier(&name));
    run(&mut session, "finish a template", finish).await
}

#[derive(sqlx::FromRow)]
struct State {
    finished: bool,
    /// Its collations are those that the server has now.
    collated: bool,
}

async fn state(session: &mut PgConnection, name: &str) -> Result<Option<State>, DatabaseError> {
    let question = sqlx::query_as(
        "SELECT datistemplate AND NOT datallowconn AS finished,
                datcollversion IS NOT DISTINCT FROM pg_database_collation_actual_version(oid) AS collated
           FROM pg_database WHERE datname = $1",
    );
    question.bind(name).fetch_optional(session).await.map_err(refused("look for a template"))
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
    create_empty(server, session, (name, name)).await?;
    let (database, user) = (name.to_owned(), name.to_owned());
    Ok(MigrationTarget { version, database, user, password })
}

/// Makes an empty database that the role of its own name may work in.
pub(super) async fn create_empty(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    (name, guest): (&str, &str),
) -> Result<(), DatabaseError> {
    let locale = locale(server_version(session).await?);
    // From `template0`, so that nothing somebody left in `template1` reaches a tenant.
    let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' {locale}", identifier(name));
    run(session, "create a database", create).await?;
    shut(session, name, guest).await?;
    let mut inside = server.open_as_platform(name).await?;
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA public TO {}", identifier(guest));
    run(&mut inside, "open the schema to its guest", grant).await
}

async fn server_version(session: &mut PgConnection) -> Result<i32, DatabaseError> {
    let question = sqlx::query_scalar("SELECT current_setting('server_version_num')::int");
    question.fetch_one(session).await.map_err(refused("ask the server's version"))
}

/// An order of texts that no C library has a part in, so that another one, which comes with another image of the server, spoils
/// neither the template nor any index. Since version 17 the server has one of its own that knows letters too; before, the order by
/// bytes is the only one without a version.
const fn locale(server: i32) -> &'static str {
    if server >= 170_000 {
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
    } else {
        "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    }
}
