//! What a copy of a member's part needs to be an n8n of its own.

use secrecy::SecretString;
use sqlx::postgres::PgConnection;

use super::{
    Moving, NewOwner,
    nodes::{self, Holder},
};
use crate::{
    copies::{
        CopyError,
        member::tables::{DATA_TABLE, TABLES},
    },
    databases::{DatabaseError, Owner, claim, credentials, identifier, refused, run},
    members::{ActiveWorkflow, PUT_BACK, Place, paths},
};

/// Nothing is active but what is said to be, and n8n notes for itself what it listens on.
const NOTHING_ACTIVE: &str = r#"
    UPDATE workflow_entity SET active = false, "activeVersionId" = NULL WHERE active OR "activeVersionId" IS NOT NULL;
    DELETE FROM webhook_entity"#;

/// What came along was counted where it ran. As the keeper: n8n's login may not.
const COUNTED_ELSEWHERE: &str = "RESET ROLE; DELETE FROM rp9.execution";

/// Fails where somebody is: n8n's tables alone are meant.
pub async fn is_empty(connection: &mut PgConnection) -> Result<(), CopyError> {
    let anybody =
        sqlx::query_scalar(r#"SELECT EXISTS (SELECT FROM "user") OR EXISTS (SELECT FROM workflow_entity)"#);
    let anybody: bool = anybody.fetch_one(connection).await.map_err(refused("look for somebody"))?;
    if anybody {
        return Err(CopyError::NotWhole("somebody is in the database that is to be filled".to_owned()));
    }
    Ok(())
}

/// Nothing is left of what an earlier copy brought. What n8n has noted about itself since stays.
pub async fn empty(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let failed = refused("empty a database");
    let pattern = format!("{DATA_TABLE}%").replace('_', "\\_");
    let made = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname LIKE $1",
    );
    let made: Vec<String> = made.bind(pattern).fetch_all(&mut *connection).await.map_err(&failed)?;
    let named = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| format!("public.{}", identifier(name))).collect::<Vec<_>>().join(", ")
    };
    let mut statements = format!("TRUNCATE {} CASCADE", named(&mut TABLES.iter().map(|table| table.name)));
    if !made.is_empty() {
        statements = format!("{statements}; DROP TABLE {}", named(&mut made.iter().map(String::as_str)));
    }
    run(connection, "empty a database", statements).await
}

/// Within the transaction that has brought the rows.
pub async fn settle(connection: &mut PgConnection, moving: &Moving) -> Result<(), CopyError> {
    let project = &moving.sharing.place.project;
    run(connection, "put a copy to sleep", NOTHING_ACTIVE).await?;
    for holder in [Holder::WORKFLOWS, Holder::VERSIONS] {
        nodes::change(connection, &holder, project, paths::strip).await?;
    }
    run(connection, "put executions back", PUT_BACK).await?;
    activate(connection, &moving.active).await?;
    owns(connection, &moving.sharing.place, Some(&moving.owner)).await?;
    run(connection, "count a copy from nothing", COUNTED_ELSEWHERE).await?;
    Ok(())
}

/// n8n makes active at its start what these columns say.
async fn activate(connection: &mut PgConnection, active: &[ActiveWorkflow]) -> Result<(), CopyError> {
    let (workflows, versions): (Vec<_>, Vec<_>) =
        active.iter().map(|one| (one.workflow.0.as_str(), one.version.as_str())).unzip();
    let activate = sqlx::query(
        r#"UPDATE workflow_entity w SET active = true, "activeVersionId" = one.version
             FROM unnest($1::text[], $2::text[]) AS one (id, version) WHERE w.id = one.id"#,
    );
    let activated = activate.bind(workflows).bind(versions).execute(connection).await;
    let activated = activated.map_err(refused("make workflows active"))?.rows_affected();
    if activated != active.len() as u64 {
        return Err(CopyError::NotWhole(format!(
            "{activated} of {} active workflows are there",
            active.len()
        )));
    }
    Ok(())
}

/// The member is who the instance belongs to, with the password that they have; under the names that they have unless they get others.
pub async fn owns(
    connection: &mut PgConnection,
    place: &Place,
    named: Option<&NewOwner>,
) -> Result<(), CopyError> {
    let owns = sqlx::query_as(
        r#"UPDATE "user" SET "roleSlug" = 'global:owner' WHERE id = $1
        RETURNING coalesce(password, '')::text, coalesce(email, '')::text, coalesce("firstName", '')::text, coalesce("lastName", '')::text"#,
    );
    let found: Option<(String, String, String, String)> =
        owns.bind(place.user.0).fetch_optional(&mut *connection).await.map_err(refused("make an owner"))?;
    let none = || CopyError::NoMember(place.project.clone());
    let (password_hash, email, first_name, last_name) = found.ok_or_else(none)?;
    let NewOwner { email, first_name, last_name } =
        named.cloned().unwrap_or(NewOwner { email, first_name, last_name });
    let owner = Owner { email, first_name, last_name, password_hash };
    Ok(claim(connection, place.user.0, &owner).await?)
}

/// How many do not open.
pub async fn unopened(connection: &mut PgConnection, key: &SecretString) -> Result<u64, DatabaseError> {
    let all = credentials(connection).await?;
    Ok(all.iter().filter(|one| !one.opens_with(key)).count() as u64)
}

/// Where n8n is called, and how.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Webhook {
    pub method: String,
    /// What follows `/webhook/`, with something in the place of each parameter.
    pub path: String,
}

/// A path with parameters is called behind the id of its webhook.
const WEBHOOKS: &str = r#"
    SELECT method, CASE WHEN "pathLength" IS NULL THEN "webhookPath"
                        ELSE concat_ws('/', "webhookId", regexp_replace("webhookPath", '(^|/):[^/]+', '\1x', 'g')) END AS path
      FROM webhook_entity ORDER BY path, method"#;

/// What n8n has noted that it listens on.
pub async fn webhooks(connection: &mut PgConnection) -> Result<Vec<Webhook>, DatabaseError> {
    sqlx::query_as(WEBHOOKS).fetch_all(connection).await.map_err(refused("list webhooks"))
}
