//! The rows of a member. n8n's own way (invitation, acceptance, key) takes seconds and leaves half a user when it is cut off; of these rows nothing
//! is kept in n8n's memory, so they count at once.

use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, PgTransaction};
use uuid::Uuid;

use super::super::member::{KEY_LABEL, KEY_SCOPES, email};
use super::{Member, MemberError, Place, marks::figures};
use crate::databases::{has_code, refused};

const MAKE: &str = "make a member";

pub(super) async fn ensure(connection: &mut PgConnection, member: &Member) -> Result<(), MemberError> {
    let mut transaction = connection.begin().await.map_err(refused(MAKE))?;
    let scopes = serde_json::json!(KEY_SCOPES).to_string();
    drop_old_key(&mut transaction, member, &scopes).await?;
    insert(&mut transaction, member, &scopes).await?;
    put_right(&mut transaction, member).await?;
    if !is_whole(&mut transaction, member).await? {
        return Err(MemberError::Taken(member.place.project.clone()));
    }
    Ok(transaction.commit().await.map_err(refused(MAKE))?)
}

/// One of an earlier release, or one that an older secret signed.
async fn drop_old_key(
    transaction: &mut PgTransaction<'_>,
    member: &Member,
    scopes: &str,
) -> Result<(), MemberError> {
    let drop_it = sqlx::query(
        r#"DELETE FROM user_api_keys
            WHERE "userId" = $1 AND (id = $2 OR label = $3)
              AND ("apiKey" IS DISTINCT FROM $4 OR scopes::text IS DISTINCT FROM $5)"#,
    );
    let bound = drop_it.bind(member.place.user.0).bind(key_id(member.key)).bind(KEY_LABEL);
    let bound = bound.bind(member.token.expose_secret()).bind(scopes);
    bound.execute(&mut **transaction).await.map_err(refused(MAKE))?;
    Ok(())
}

pub(super) fn key_id(key: Uuid) -> String {
    key.simple().to_string()
}

/// Whatever is missing. The name is everybody's: n8n shows it to strangers whose calls it refuses.
async fn insert(
    transaction: &mut PgTransaction<'_>,
    member: &Member,
    scopes: &str,
) -> Result<(), MemberError> {
    let insert = sqlx::query(
        r#"WITH "user" AS (
               INSERT INTO "user" (id, email, "firstName", "lastName", password, "roleSlug", settings)
               VALUES ($1, $2, 'Workspace', '', $3, 'global:tenant', '{"userActivated": false}')
               ON CONFLICT DO NOTHING),
           project AS (
               INSERT INTO project (id, name, type, "creatorId") VALUES ($4, 'My workspace', 'personal', $1)
               ON CONFLICT DO NOTHING),
           relation AS (
               INSERT INTO project_relation ("projectId", "userId", role) VALUES ($4, $1, 'project:personalOwner')
               ON CONFLICT DO NOTHING),
           key AS (
               INSERT INTO user_api_keys (id, "userId", label, "apiKey", scopes, audience)
               VALUES ($5, $1, $6, $7, $8::json, 'public-api') ON CONFLICT DO NOTHING)
           INSERT INTO rp9.tenant (project_id, user_id, concurrent, executions_month) VALUES ($4, $1, $9, $10)
           ON CONFLICT (project_id) DO UPDATE
              SET concurrent = excluded.concurrent, executions_month = excluded.executions_month"#,
    );
    let Place { user, project } = &member.place;
    let (concurrent, month) = figures(member.limits);
    let bound = insert.bind(user.0).bind(email(member.tenant)).bind(&member.password_hash);
    let bound = bound.bind(project.as_str()).bind(key_id(member.key)).bind(KEY_LABEL);
    let bound = bound.bind(member.token.expose_secret()).bind(scopes).bind(concurrent).bind(month);
    bound.execute(&mut **transaction).await.map(drop).map_err(taken(member))
}

/// 23503 and 23505: somebody else has the address, so there is no such user; or the user has another project.
fn taken(member: &Member) -> impl Fn(sqlx::Error) -> MemberError {
    |error| {
        if has_code(&error, "23503") || has_code(&error, "23505") {
            MemberError::Taken(member.place.project.clone())
        } else {
            refused(MAKE)(error).into()
        }
    }
}

/// What was there, and is not as it was made: unless somebody else has to do with one of the ids, who would lose it by that.
async fn put_right(transaction: &mut PgTransaction<'_>, member: &Member) -> Result<(), MemberError> {
    let put_right = sqlx::query(
        r#"WITH own AS (
               SELECT WHERE NOT EXISTS (SELECT FROM rp9.tenant WHERE (project_id = $2) <> (user_id = $1))
                        AND NOT EXISTS (SELECT FROM project_relation WHERE ("projectId" = $2) <> ("userId" = $1))),
           "user" AS (
               UPDATE "user" SET email = $3, "roleSlug" = 'global:tenant', "updatedAt" = CURRENT_TIMESTAMP(3) FROM own
                WHERE id = $1 AND (email IS DISTINCT FROM $3 OR "roleSlug" <> 'global:tenant')),
           project AS (
               UPDATE project SET type = 'personal', "creatorId" = $1, "updatedAt" = CURRENT_TIMESTAMP(3) FROM own
                WHERE id = $2 AND (type <> 'personal' OR "creatorId" IS DISTINCT FROM $1))
           UPDATE project_relation SET role = 'project:personalOwner', "updatedAt" = CURRENT_TIMESTAMP(3) FROM own
            WHERE "projectId" = $2 AND "userId" = $1 AND role <> 'project:personalOwner'"#,
    );
    let Place { user, project } = &member.place;
    let bound = put_right.bind(user.0).bind(project.as_str()).bind(email(member.tenant));
    bound.execute(&mut **transaction).await.map(drop).map_err(taken(member))
}

/// Whether the rows that are there now are this member's and no stranger's.
async fn is_whole(transaction: &mut PgTransaction<'_>, member: &Member) -> Result<bool, MemberError> {
    let question = sqlx::query_scalar(
        r#"SELECT EXISTS (SELECT FROM "user" u
                            JOIN project p ON p."creatorId" = u.id AND p.type = 'personal'
                            JOIN rp9.tenant t ON t.user_id = u.id AND t.project_id = p.id
                           WHERE u.id = $1 AND p.id = $2 AND u.email = $3 AND u."roleSlug" = 'global:tenant')
              AND EXISTS (SELECT FROM user_api_keys WHERE "userId" = $1 AND "apiKey" = $4)
              AND 1 = (SELECT count(*) FROM project_relation WHERE "projectId" = $2 OR "userId" = $1)"#,
    );
    let Place { user, project } = &member.place;
    let bound = question.bind(user.0).bind(project.as_str()).bind(email(member.tenant));
    let bound = bound.bind(member.token.expose_secret());
    Ok(bound.fetch_one(&mut **transaction).await.map_err(refused("look for a member"))?)
}
