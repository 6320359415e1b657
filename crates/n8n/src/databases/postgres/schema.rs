//! Whether the tables of a database are those we know, and what is in them.

use sqlx::postgres::PgConnection;

use super::DatabaseError;
use super::session::{has_code, refused};
use crate::Version;
use crate::schema::Family;

/// Everything that a statement of ours names.
const COLUMNS: &[(&str, &[&str])] = &[
    ("binary_data", &["sourceType", "sourceId"]),
    ("credentials_entity", &["id"]),
    ("data_table", &["id", "projectId"]),
    ("deployment_key", &["id"]),
    (
        "execution_entity",
        &["id", "workflowId", "mode", "status", "createdAt", "startedAt", "stoppedAt", "deletedAt"],
    ),
    ("insights_metadata", &["metaId", "projectId", "workflowId"]),
    ("migrations", &["id", "name"]),
    ("project", &["id", "name", "type", "creatorId"]),
    ("project_relation", &["projectId", "userId", "role"]),
    ("scheduled_job", &["ownerType", "ownerId"]),
    ("settings", &["key", "value", "loadOnStartup"]),
    ("shared_credentials", &["credentialsId", "projectId", "role"]),
    ("shared_workflow", &["workflowId", "projectId", "role"]),
    (
        "user",
        &[
            "id",
            "email",
            "firstName",
            "lastName",
            "password",
            "roleSlug",
            "settings",
            "disabled",
            "mfaEnabled",
            "mfaSecret",
            "mfaRecoveryCodes",
            "lastActiveAt",
            "createdAt",
            "updatedAt",
        ],
    ),
    ("user_api_keys", &["id", "userId", "label", "apiKey", "scopes", "audience", "updatedAt"]),
    ("user_favorites", &["resourceId"]),
    ("webhook_entity", &["webhookPath", "workflowId"]),
    ("workflow_entity", &["id", "active", "activeVersionId"]),
    ("workflow_publication_outbox", &["workflowId"]),
    ("workflow_statistics", &["workflowId"]),
    ("workflow_statistics_delta", &["workflowId"]),
];

/// Workflows, those that are active, credentials, executions.
pub(super) const COUNTS: &str = "SELECT (SELECT count(*) FROM workflow_entity),
       (SELECT count(*) FROM workflow_entity WHERE active),
       (SELECT count(*) FROM credentials_entity),
       (SELECT count(*) FROM execution_entity)";

/// Each credential, as it is encrypted.
pub(super) const CREDENTIALS: &str = "SELECT id::text, name::text, data FROM credentials_entity ORDER BY id";

/// Which of these executions have not begun.
pub(super) const UNBEGUN: &str = r#"SELECT id::int8 FROM execution_entity
 WHERE id = any($1) AND status = 'new' AND "startedAt" IS NULL AND "deletedAt" IS NULL"#;

/// The family of this database.
pub(crate) async fn family(connection: &mut PgConnection) -> Result<&'static Family, DatabaseError> {
    let question = sqlx::query_scalar("SELECT name::text FROM migrations ORDER BY id DESC LIMIT 1");
    let last: Option<String> = question.fetch_optional(connection).await.map_err(|error| {
        // 42P01: there is no such table.
        if has_code(&error, "42P01") {
            DatabaseError::NotUnderstood("there is no table of migrations".into())
        } else {
            refused("read the migrations")(error)
        }
    })?;
    let last = last.unwrap_or_default();
    Family::that_ends_with(&last)
        .ok_or_else(|| DatabaseError::NotUnderstood(format!("its last migration is {last:?}")))
}

/// Fails unless the database is as this version leaves it, as far as that is known, and has every column we name.
pub(super) async fn check(connection: &mut PgConnection, expected: Version) -> Result<(), DatabaseError> {
    let found = family(&mut *connection).await?;
    if Family::of(expected) != Some(found) {
        let since = found.since;
        return Err(DatabaseError::NotUnderstood(format!("it is that of {since}, not of {expected}")));
    }
    let named = COLUMNS.iter().flat_map(|(table, columns)| columns.iter().map(|column| (*table, *column)));
    let (tables, columns): (Vec<&str>, Vec<&str>) = named.unzip();
    let question = sqlx::query_scalar(
        "SELECT t || '.' || c FROM unnest($1::text[], $2::text[]) AS named (t, c)
          WHERE NOT EXISTS (SELECT FROM information_schema.columns
                             WHERE table_schema = 'public' AND table_name = t AND column_name = c)",
    );
    let missing: Vec<String> = question
        .bind(tables)
        .bind(columns)
        .fetch_all(connection)
        .await
        .map_err(refused("read the schema"))?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(DatabaseError::NotUnderstood(format!("it lacks {}", missing.join(", "))))
}

/// Takes out what belongs to one instance, so that no two copies share it: keys, identities, and the vacant owner that
/// the migrations leave, whom the first visitor could become.
pub(super) async fn clean(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let statements = r#"
        DELETE FROM deployment_key;
        DELETE FROM user_api_keys;
        DELETE FROM project_relation;
        DELETE FROM project;
        DELETE FROM "user";
        UPDATE settings SET value = 'false' WHERE key = 'userManagement.isInstanceOwnerSetUp';"#;
    sqlx::raw_sql(statements).execute(connection).await.map(drop).map_err(refused("clean a template"))
}
