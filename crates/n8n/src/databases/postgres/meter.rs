//! The meter of what an instance runs (`crate::executions`).

use sqlx::postgres::PgConnection;

use super::admit::admit;
use super::schema::family;
use super::session::refused;
use super::statement::run;
use super::{DatabaseError, Name, PostgresDatabases};

/// The schema's statements, which the platform runs; they may be run as often as one likes.
const METER: &str = include_str!("meter.sql");

/// Those over n8n's tables, which its keeper runs.
const METERED: &str = include_str!("metered.sql");

/// What is written on the meter once all of it is there. Another release that makes it otherwise writes another number.
macro_rules! version {
    () => {
        "'rp9 meter 5'"
    };
}

const MARK: &str = concat!("COMMENT ON TABLE rp9.execution IS ", version!());

/// Whether n8n's table tells it what happens.
macro_rules! is_told {
    () => {
        "EXISTS (SELECT FROM pg_trigger t
           WHERE t.tgrelid = to_regclass('public.execution_entity') AND t.tgname = 'rp9_write_down' AND t.tgenabled = 'O'
             AND t.tgfoid = to_regprocedure('rp9.write_down()'))"
    };
}
pub(crate) use is_told;

/// Whether all of it is there, by the catalogue alone; `$1` is n8n's login and `$2` its keeper, or neither, where both are whoever asks. A migration of n8n's that makes its table
/// anew takes the trigger along.
const STANDS: &str = concat!(
    "SELECT coalesce(obj_description(e.oid, 'pg_class') = ",
    version!(),
    ", false) AND ",
    is_told!(),
    "
        AND ($1::text IS NULL OR coalesce(has_schema_privilege(to_regrole($1)::oid, e.relnamespace, 'USAGE'), false))
        AND ($2::text IS NULL OR coalesce(has_table_privilege(to_regrole($2)::oid, e.oid, 'DELETE'), false))
       FROM (SELECT to_regclass('rp9.execution')::oid AS found) f LEFT JOIN pg_class e ON e.oid = f.found"
);

/// In a database of this tenant's. Where the meter stands nothing is changed and nothing locked.
pub(crate) async fn ensure(
    server: &PostgresDatabases,
    name: &Name,
    database: &str,
) -> Result<(), DatabaseError> {
    let mut inside = server.enter(name, database).await?;
    family(&mut inside).await?;
    let mut platform = server.open_as_platform(database).await?;
    let guests = (!server.is_elsewhere(database)).then_some(name);
    if stands(&mut platform, guests).await? {
        return Ok(());
    }
    let alone = server.lock(&name.keeper()).await?;
    run(&mut platform, "make a meter", METER).await?;
    if let Some(name) = guests {
        admit(&mut platform, name).await?;
    }
    drop(alone);
    run(&mut inside, "let a meter see", METERED).await?;
    run(&mut platform, "mark a meter", MARK).await
}

/// Where there is a meter, what of it acts with the platform's rights is this release's from now on.
pub(super) async fn renew(platform: &mut PgConnection) -> Result<(), DatabaseError> {
    let question = sqlx::query_scalar("SELECT to_regclass('rp9.execution') IS NOT NULL");
    let there = question.fetch_one(&mut *platform).await.map_err(refused("look for a meter"))?;
    if there { run(platform, "renew a meter", METER).await } else { Ok(()) }
}

/// In a database that is no tenant's.
pub(super) async fn make(platform: &mut PgConnection) -> Result<(), DatabaseError> {
    for statements in [METER, METERED, MARK] {
        run(platform, "make a meter", statements).await?;
    }
    Ok(())
}

async fn stands(platform: &mut PgConnection, guests: Option<&Name>) -> Result<bool, DatabaseError> {
    let question = sqlx::query_scalar(STANDS);
    let question = question.bind(guests.map(Name::to_string)).bind(guests.map(|name| name.keeper()));
    question.fetch_one(platform).await.map_err(refused("look at a meter"))
}
