//! Which schemas of n8n are understood, and how to tell.

use sqlx::postgres::PgConnection;

use crate::Version;
use crate::databases::DatabaseError;
use crate::databases::refused;

/// The tables as n8n's migrations leave them. Releases that add no migration share a family, so it says nothing about which of them made
/// a database, and a new one of them needs no release of ours.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The first release that leaves the tables like this.
    pub since: Version,
    last_migration: &'static str,
}

/// In the order of versions. A family is added here after its tables have been compared with [`COLUMNS`]; the statements that name them are
/// good for all of these.
const FAMILIES: &[Family] = &[Family {
    since: Version::new(2, 41, 1),
    last_migration: "AddExecutionScopesToCustomRoles1789995003141",
}];

impl Family {
    /// The one that databases of this version have, as far as is known here: the next release may bring migrations.
    pub fn of(version: Version) -> Option<&'static Self> {
        latest(FAMILIES, version)
    }
}

fn latest(families: &[Family], version: Version) -> Option<&Family> {
    families.iter().rev().find(|family| family.since <= version)
}

/// Everything that a statement of ours names.
const COLUMNS: &[(&str, &[&str])] = &[
    ("credentials_entity", &["id"]),
    ("deployment_key", &["id"]),
    ("execution_entity", &["id"]),
    ("migrations", &["id", "name"]),
    ("project", &["id", "name", "type", "creatorId"]),
    ("project_relation", &["projectId", "userId", "role"]),
    ("settings", &["key", "value", "loadOnStartup"]),
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
            "mfaEnabled",
            "mfaSecret",
            "mfaRecoveryCodes",
            "lastActiveAt",
            "createdAt",
            "updatedAt",
        ],
    ),
    ("user_api_keys", &["id", "userId", "label", "apiKey", "scopes", "audience", "updatedAt"]),
    ("workflow_entity", &["id", "active"]),
];

/// Workflows, those that are active, credentials, executions.
pub(crate) const COUNTS: &str = "SELECT (SELECT count(*) FROM workflow_entity),
       (SELECT count(*) FROM workflow_entity WHERE active),
       (SELECT count(*) FROM credentials_entity),
       (SELECT count(*) FROM execution_entity)";

/// The family of this database.
pub(crate) async fn family(connection: &mut PgConnection) -> Result<&'static Family, DatabaseError> {
    let question = sqlx::query_scalar("SELECT name FROM migrations ORDER BY id DESC LIMIT 1");
    let last: Option<String> = question.fetch_optional(connection).await.map_err(|error| {
        // 42P01: there is no such table.
        match error.as_database_error().and_then(|database| database.code()).as_deref() {
            Some("42P01") => DatabaseError::NotUnderstood("there is no table of migrations".into()),
            _ => refused("read the migrations")(error),
        }
    })?;
    let last = last.unwrap_or_default();
    let known = FAMILIES.iter().find(|family| family.last_migration == last);
    known.ok_or_else(|| DatabaseError::NotUnderstood(format!("its last migration is {last:?}")))
}

/// Fails unless the database is as this version leaves it, as far as that is known, and has every column we name.
pub(crate) async fn check(connection: &mut PgConnection, expected: Version) -> Result<(), DatabaseError> {
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
pub(crate) async fn clean(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let statements = r#"
        DELETE FROM deployment_key;
        DELETE FROM user_api_keys;
        DELETE FROM project_relation;
        DELETE FROM project;
        DELETE FROM "user";
        UPDATE settings SET value = 'false' WHERE key = 'userManagement.isInstanceOwnerSetUp';"#;
    sqlx::raw_sql(statements).execute(connection).await.map(drop).map_err(refused("clean a template"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_without_migrations_has_the_family_of_the_one_before_it() {
        let [first, second] = [Version::new(2, 41, 1), Version::new(2, 43, 0)];
        let families = [
            Family { since: first, last_migration: "One1" },
            Family { since: second, last_migration: "Two2" },
        ];
        let cases = [
            (Version::new(2, 41, 0), None),
            (first, Some(first)),
            (Version::new(2, 41, 9), Some(first)),
            (Version::new(2, 42, 0), Some(first)),
            (second, Some(second)),
            (Version::new(3, 0, 0), Some(second)),
        ];
        for (version, expected) in cases {
            assert_eq!(latest(&families, version).map(|family| family.since), expected, "{version}");
        }
    }

    #[test]
    fn families_are_in_the_order_of_versions_and_no_two_end_alike() {
        for pair in FAMILIES.windows(2) {
            assert!(pair[0].since < pair[1].since, "{pair:?}");
        }
        for family in FAMILIES {
            assert_eq!(FAMILIES.iter().filter(|f| f.last_migration == family.last_migration).count(), 1);
        }
    }
}
