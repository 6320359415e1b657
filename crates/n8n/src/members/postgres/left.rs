//! What is left of a member, in any table that n8n has: asked of the catalogue, so that a table of a later release is not forgotten.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::{Leftover, MemberError, Place};
use crate::databases::{identifier, refused};

/// Columns that name whose or what a row is, wherever they are: kind of the catalogue, and what they are compared with. `$1` is the user, `$2` the
/// project.
const TELLING: [(&str, &str, &str); 11] = [
    ("userId", "uuid", "= $1"),
    ("ownerId", "uuid", "= $1"),
    ("creatorId", "uuid", "= $1"),
    ("createdById", "uuid", "= $1"),
    ("projectId", "varchar", "= $2"),
    ("workflowId", "varchar", "IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'workflow')"),
    (
        "executionId",
        "int4",
        "IN (SELECT id::integer FROM rp9.leaving WHERE project_id = $2 AND kind = 'execution')",
    ),
    (
        "credentialId",
        "varchar",
        "IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'credential')",
    ),
    (
        "credentialsId",
        "varchar",
        "IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'credential')",
    ),
    (
        "dataTableId",
        "varchar",
        "IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'data_table')",
    ),
    ("metaId", "int4", "IN (SELECT id::integer FROM rp9.leaving WHERE project_id = $2 AND kind = 'insight')"),
];

/// The things themselves, what names them by another column, and the table of each data table.
const THEMSELVES: &str = r#"
    SELECT 'user', count(*) FROM "user" WHERE id = $1
    UNION ALL SELECT 'project', count(*) FROM project WHERE id = $2
    UNION ALL SELECT 'rp9.tenant', count(*) FROM rp9.tenant WHERE project_id = $2 OR user_id = $1
    UNION ALL SELECT 'workflow_entity', count(*) FROM workflow_entity
               WHERE id IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'workflow')
    UNION ALL SELECT 'execution_entity', count(*) FROM execution_entity
               WHERE id IN (SELECT id::integer FROM rp9.leaving WHERE project_id = $2 AND kind = 'execution')
    UNION ALL SELECT 'credentials_entity', count(*) FROM credentials_entity
               WHERE id IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'credential')
    UNION ALL SELECT 'data_table', count(*) FROM data_table
               WHERE id IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'data_table')
    UNION ALL SELECT 'data_table_user_' || id, 1 FROM rp9.leaving
               WHERE project_id = $2 AND kind = 'data_table' AND to_regclass(format('%I', 'data_table_user_' || id)) IS NOT NULL
    UNION ALL SELECT 'binary_data', count(*) FROM binary_data WHERE "sourceType" = 'execution'
                 AND "sourceId" IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'execution')
    UNION ALL SELECT 'scheduled_job', count(*) FROM scheduled_job WHERE "ownerType" = 'workflow'
                 AND "ownerId" IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind = 'workflow')
    UNION ALL SELECT 'webhook_entity', count(*) FROM webhook_entity WHERE starts_with("webhookPath", $2 || '/')
    UNION ALL SELECT 'user_favorites', count(*) FROM user_favorites WHERE "resourceId" = $2
                  OR "resourceId" IN (SELECT id FROM rp9.leaving WHERE project_id = $2 AND kind IN ('workflow', 'data_table'))"#;

pub(super) async fn left(connection: &mut PgConnection, place: &Place) -> Result<Vec<Leftover>, MemberError> {
    let counts = everywhere(connection).await?;
    let question = format!(
        "SELECT name, max(rows) FROM ({counts}) AS counted (name, rows) WHERE rows > 0 GROUP BY name ORDER BY name"
    );
    // Names of the catalogue, quoted; values are bound. A row that several columns tell of is one.
    let question = sqlx::query_as(AssertSqlSafe(question)).bind(place.user.0).bind(place.project.as_str());
    let rows: Vec<(String, i64)> =
        question.fetch_all(connection).await.map_err(refused("look for what is left of a member"))?;
    Ok(rows.into_iter().map(|(table, rows)| Leftover { table, rows: rows.unsigned_abs() }).collect())
}

/// A question for each table with a telling column, joined to one.
async fn everywhere(connection: &mut PgConnection) -> Result<String, MemberError> {
    let (columns, types): (Vec<&str>, Vec<&str>) =
        TELLING.iter().map(|(column, kind, _)| (*column, *kind)).unzip();
    // Not of `information_schema`, whose views take a tenth of a second.
    let question = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
           JOIN unnest($1::text[], $2::text[]) AS telling (name, kind) ON telling.name = a.attname AND telling.kind = t.typname
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1, 2",
    );
    let found: Vec<(String, String)> =
        question.bind(columns).bind(types).fetch_all(connection).await.map_err(refused("read the schema"))?;
    let counts = found.iter().filter_map(|(table, column)| {
        let (_, _, compared) = TELLING.iter().find(|(name, ..)| name == column)?;
        let (name, table, column) = (table.replace('\'', "''"), identifier(table), identifier(column));
        Some(format!(" UNION ALL SELECT '{name}', count(*) FROM {table} WHERE {column} {compared}"))
    });
    Ok(std::iter::once(THEMSELVES.to_owned()).chain(counts).collect())
}
