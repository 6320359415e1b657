//! What is there.

use sqlx::postgres::PgConnection;

use super::database::{INVALID, READY};
use super::session::refused;
use super::{Counts, DatabaseError, Name, Observed, schema};
use crate::credentials::Credential;
use crate::databases::{ObservedDatabase, ObservedTemplate, version_of_template};

#[derive(sqlx::FromRow)]
struct Database {
    datname: String,
    ready: bool,
    template: bool,
}

/// Ours is what has a name of our making *and* belongs to us: a database owned by the role we connect as, a role that
/// it may administer.
pub(super) async fn all(connection: &mut PgConnection) -> Result<Observed, DatabaseError> {
    let question = sqlx::query_as(
        "SELECT datname::text, datistemplate AND NOT datallowconn AS template,
                shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM $1 AND datconnlimit <> $2 AS ready
           FROM pg_database WHERE datdba = current_user::regrole ORDER BY datname",
    );
    let databases: Vec<Database> = question
        .bind(READY)
        .bind(INVALID)
        .fetch_all(&mut *connection)
        .await
        .map_err(refused("observe databases"))?;
    let question = sqlx::query_scalar(
        "SELECT DISTINCT r.rolname::text FROM pg_roles r JOIN pg_auth_members m ON m.roleid = r.oid
          WHERE m.member = current_user::regrole AND m.admin_option ORDER BY 1",
    );
    let roles: Vec<String> = question.fetch_all(connection).await.map_err(refused("observe roles"))?;
    Ok(Observed {
        databases: databases
            .iter()
            .filter_map(|row| Some(ObservedDatabase { name: row.datname.parse().ok()?, finished: row.ready }))
            .collect(),
        roles: roles.iter().filter_map(|role| role.parse().ok()).collect(),
        keepers: roles.iter().filter_map(|role| Name::of_keeper(role)).collect(),
        templates: databases
            .iter()
            .filter_map(|row| Some((version_of_template(&row.datname)?, row.template)))
            .map(|(version, finished)| ObservedTemplate { version, finished })
            .collect(),
    })
}

/// What each tenant's database takes, as far as it is there at the end of the look.
pub(super) async fn sizes(connection: &mut PgConnection) -> Result<Vec<(Name, u64)>, DatabaseError> {
    let question = sqlx::query_as(
        "SELECT datname::text, pg_database_size(oid) FROM pg_database
          WHERE datdba = current_user::regrole AND NOT datistemplate AND datconnlimit <> $1",
    );
    let sizes: Vec<(String, Option<i64>)> =
        question.bind(INVALID).fetch_all(connection).await.map_err(refused("measure databases"))?;
    let sizes =
        sizes.into_iter().filter_map(|(name, bytes)| Some((name.parse().ok()?, bytes?.unsigned_abs())));
    Ok(sizes.collect())
}

/// How many connections the server lets ordinary roles have.
pub(super) async fn connections(connection: &mut PgConnection) -> Result<u32, DatabaseError> {
    // The second reserve is of version 16 and later.
    let question = sqlx::query_scalar(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
              - coalesce(current_setting('reserved_connections', true)::int, 0)",
    );
    let allowed: i32 = question.fetch_one(connection).await.map_err(refused("count connections"))?;
    Ok(u32::try_from(allowed).unwrap_or_default())
}

/// Which of these executions have not begun.
pub(super) async fn unbegun(
    connection: &mut PgConnection,
    executions: &[i64],
) -> Result<Vec<i64>, DatabaseError> {
    schema::family(connection).await?;
    let question = sqlx::query_scalar(schema::UNBEGUN).bind(executions);
    question.fetch_all(connection).await.map_err(refused("look for what has not begun"))
}

/// Everything that is encrypted for people.
pub(crate) async fn credentials(connection: &mut PgConnection) -> Result<Vec<Credential>, DatabaseError> {
    schema::family(connection).await?;
    let question = sqlx::query_as(schema::CREDENTIALS);
    let found: Vec<(String, String, String)> =
        question.fetch_all(connection).await.map_err(refused("read what is encrypted"))?;
    Ok(found.into_iter().map(|(id, name, data)| Credential { id, name, data }).collect())
}

/// Counts what the instance holds, archived workflows included.
pub(crate) async fn counts(connection: &mut PgConnection) -> Result<Counts, DatabaseError> {
    schema::family(connection).await?;
    let question = sqlx::query_as(schema::COUNTS);
    let (workflows, active, credentials, executions): (i64, i64, i64, i64) =
        question.fetch_one(connection).await.map_err(refused("count what an instance holds"))?;
    Ok(Counts {
        workflows: workflows.unsigned_abs(),
        active_workflows: active.unsigned_abs(),
        credentials: credentials.unsigned_abs(),
        executions: executions.unsigned_abs(),
    })
}
