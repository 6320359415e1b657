//! The owner and the API key, put where n8n looks for them.
//!
//! An instance without an owner belongs to whoever finds its address first. n8n does the same in the same tables when
//! somebody fills in its setup page.

use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, PgTransaction};

use super::session::refused;
use super::{ApiKeyRow, DatabaseError, Name, Owner, schema};
use crate::account::{self, OwnerId};

/// What the platform does through an instance's public API, and what a person may do with the key in its place.
const SCOPES: &str = r#"["workflow:create","workflow:read","workflow:update","workflow:delete","workflow:list",
"workflow:move","workflow:activate","workflow:deactivate","workflow:export","workflow:import","workflowTags:update",
"workflowTags:list","execution:read","execution:list","execution:delete","execution:retry","execution:stop",
"executionTags:update","executionTags:list","credential:create","credential:read","credential:update",
"credential:delete","credential:list","credential:move","tag:create","tag:read","tag:update","tag:delete","tag:list",
"user:create","user:read","user:delete","user:list","project:list","insights:read","dataTable:create",
"dataTable:read","dataTable:update","dataTable:delete","dataTable:list","dataTableRow:create","dataTableRow:read",
"dataTableRow:update","dataTableRow:delete","dataTableRow:upsert"]"#;

const SEED_KEY: &str = "seed the API key";

#[derive(sqlx::FromRow)]
struct Existing {
    id: uuid::Uuid,
    claimed: bool,
}

pub(super) async fn owner(
    connection: &mut PgConnection,
    name: &Name,
    owner: &Owner,
) -> Result<OwnerId, DatabaseError> {
    schema::family(connection).await?;
    let mut transaction = alone(connection, "seed the owner").await?;
    let id = match existing(&mut transaction).await? {
        Some(Existing { id, claimed: true }) => return Ok(OwnerId(id)),
        Some(Existing { id, claimed: false }) => id,
        None => vacant(&mut transaction).await?,
    };
    claim(&mut transaction, id, owner).await?;
    transaction.commit().await.map_err(refused("seed the owner"))?;
    tracing::info!(database.name = %name, "the instance has its owner");
    Ok(OwnerId(id))
}

/// One at a time: whoever comes second finds what the first one did, whichever of a table's unique indexes would have told them first.
async fn alone<'c>(
    connection: &'c mut PgConnection,
    doing: &'static str,
) -> Result<PgTransaction<'c>, DatabaseError> {
    let mut transaction = connection.begin().await.map_err(refused(doing))?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock(hashtext('rp9: the owner'))");
    lock.execute(&mut *transaction).await.map_err(refused(doing))?;
    Ok(transaction)
}

/// n8n's own question: an owner who has a password, or has ever been there.
async fn existing(transaction: &mut PgTransaction<'_>) -> Result<Option<Existing>, DatabaseError> {
    let question = sqlx::query_as(
        r#"SELECT id, password IS NOT NULL OR "lastActiveAt" IS NOT NULL AS claimed
             FROM "user" WHERE "roleSlug" = 'global:owner' ORDER BY claimed DESC, "createdAt", id LIMIT 1"#,
    );
    question.fetch_optional(&mut **transaction).await.map_err(refused("look for the owner"))
}

/// A nobody with a personal project: what n8n's migrations leave in a fresh database, and our templates do not.
async fn vacant(transaction: &mut PgTransaction<'_>) -> Result<uuid::Uuid, DatabaseError> {
    let project = account::random::<8>().map(hex::encode).map_err(|_| DatabaseError::Randomness)?;
    let insert = sqlx::query_scalar(
        r#"WITH nobody AS (
               INSERT INTO "user" ("roleSlug", settings) VALUES ('global:owner', '{"userActivated": false}')
               RETURNING id),
           own AS (
               INSERT INTO project (id, name, type, "creatorId")
               SELECT $1, 'Unnamed Project', 'personal', id FROM nobody RETURNING id),
           relation AS (
               INSERT INTO project_relation ("projectId", "userId", role)
               SELECT own.id, nobody.id, 'project:personalOwner' FROM own, nobody)
           SELECT id FROM nobody"#,
    );
    insert.bind(project).fetch_one(&mut **transaction).await.map_err(refused("make room for the owner"))
}

/// This user is the one that the instance belongs to, under these names and with this login.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    id: uuid::Uuid,
    owner: &Owner,
) -> Result<(), DatabaseError> {
    // The columns hold 32 characters; a longer name is no reason to leave an instance without an owner.
    let claim = sqlx::query(
        r#"UPDATE "user" SET email = lower($2), "firstName" = left($3, 32), "lastName" = left($4, 32), password = $5,
                  "lastActiveAt" = current_date, "updatedAt" = CURRENT_TIMESTAMP(3) WHERE id = $1"#,
    );
    let bound = claim
        .bind(id)
        .bind(&owner.email)
        .bind(&owner.first_name)
        .bind(&owner.last_name)
        .bind(&owner.password_hash);
    bound.execute(&mut *connection).await.map_err(refused("seed the owner"))?;
    let rename = sqlx::query(
        r#"UPDATE project p SET name = left(u."firstName" || ' ' || u."lastName" || ' <' || u.email || '>', 255)
             FROM project_relation r JOIN "user" u ON u.id = r."userId"
            WHERE r."projectId" = p.id AND r.role = 'project:personalOwner' AND u.id = $1"#,
    );
    rename.bind(id).execute(&mut *connection).await.map_err(refused("name the owner's project"))?;
    let mark = "INSERT INTO settings (key, value, \"loadOnStartup\")
                VALUES ('userManagement.isInstanceOwnerSetUp', 'true', true)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sqlx::query(mark).execute(&mut *connection).await.map(drop).map_err(refused("close the setup page"))
}

pub(super) async fn api_key(
    connection: &mut PgConnection,
    name: &Name,
    key: &ApiKeyRow,
) -> Result<(), DatabaseError> {
    schema::family(connection).await?;
    let mut transaction = alone(connection, SEED_KEY).await?;
    let insert = sqlx::query(
        r#"INSERT INTO user_api_keys (id, "userId", label, "apiKey", scopes, audience)
           SELECT $1, id, $2, $3, $4::json, 'public-api' FROM "user"
            WHERE "roleSlug" = 'global:owner' AND password IS NOT NULL ORDER BY "createdAt", id LIMIT 1
           ON CONFLICT ("userId", label) DO UPDATE
              SET "apiKey" = excluded."apiKey", scopes = excluded.scopes, "updatedAt" = CURRENT_TIMESTAMP(3)"#,
    );
    let id = account::random::<8>().map(hex::encode).map_err(|_| DatabaseError::Randomness)?;
    let bound = insert.bind(id).bind(&key.label).bind(key.token.expose_secret()).bind(SCOPES);
    let inserted = bound.execute(&mut *transaction).await.map_err(refused(SEED_KEY))?;
    transaction.commit().await.map_err(refused(SEED_KEY))?;
    if inserted.rows_affected() == 0 { Err(DatabaseError::NoOwner(*name)) } else { Ok(()) }
}
