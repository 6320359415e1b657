//! What is changed about a member who is there: each in one statement, and good from the next question on that n8n asks.

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;

use super::{MemberError, MemberLimits, Place, ProjectId};
use crate::databases::{in_time, refused};

pub(super) async fn limits(
    connection: &mut PgConnection,
    project: &ProjectId,
    limits: MemberLimits,
) -> Result<bool, MemberError> {
    let (concurrent, month) = figures(limits);
    let set =
        sqlx::query("UPDATE rp9.tenant SET concurrent = $2, executions_month = $3 WHERE project_id = $1");
    change(connection, "limit a member", set.bind(project.as_str()).bind(concurrent).bind(month)).await
}

/// As the columns hold them.
pub(super) fn figures(limits: MemberLimits) -> (i32, Option<i64>) {
    let month = limits.executions_month.map(|month| i64::try_from(month.get()).unwrap_or(i64::MAX));
    (i32::try_from(limits.concurrent.get()).unwrap_or(i32::MAX), month)
}

pub(super) async fn suspended(
    connection: &mut PgConnection,
    project: &ProjectId,
    suspended: bool,
) -> Result<bool, MemberError> {
    let set = sqlx::query("UPDATE rp9.tenant SET suspended = $2 WHERE project_id = $1");
    change(connection, "mark a member", set.bind(project.as_str()).bind(suspended)).await
}

pub(super) async fn disabled(
    connection: &mut PgConnection,
    place: &Place,
    disabled: bool,
) -> Result<bool, MemberError> {
    let set = sqlx::query(concat!(
        r#"UPDATE "user" u SET disabled = $3, "updatedAt" = CURRENT_TIMESTAMP(3) WHERE "#,
        is_at!()
    ));
    let bound = set.bind(place.user.0).bind(place.project.as_str()).bind(disabled);
    change(connection, "mark a member", bound).await
}

/// n8n signs a session with a digest over e-mail, password hash and second factor, so those of before end with this. API keys stay.
pub(super) async fn password(
    connection: &mut PgConnection,
    place: &Place,
    password_hash: &str,
    disable_mfa: bool,
) -> Result<(), MemberError> {
    in_time(connection).await?;
    let reset = sqlx::query(concat!(
        r#"UPDATE "user" u SET password = $3,
                  "mfaEnabled" = "mfaEnabled" AND NOT $4,
                  "mfaSecret" = CASE WHEN $4 THEN NULL ELSE "mfaSecret" END,
                  "mfaRecoveryCodes" = CASE WHEN $4 THEN NULL ELSE "mfaRecoveryCodes" END,
                  "updatedAt" = CURRENT_TIMESTAMP(3)
            WHERE "#,
        is_at!()
    ));
    let bound = reset.bind(place.user.0).bind(place.project.as_str()).bind(password_hash).bind(disable_mfa);
    let found = change(connection, "reset a member's password", bound).await?;
    if !found {
        return Err(MemberError::NoMember(place.project.clone()));
    }
    tracing::info!(project = %place.project, disable_mfa, "a member's password was reset");
    Ok(())
}

/// Whether there was something to change.
async fn change(
    connection: &mut PgConnection,
    what: &'static str,
    statement: Query<'_, Postgres, PgArguments>,
) -> Result<bool, MemberError> {
    let changed = statement.execute(connection).await.map_err(refused(what))?;
    Ok(changed.rows_affected() > 0)
}
