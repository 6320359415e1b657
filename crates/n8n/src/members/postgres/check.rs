//! Which members are not as the platform made them: one question about all of them, whose answer is as long as there are flaws, after one about
//! what they have in common.

use common::id::TenantId;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::super::Flaw;
use super::super::member::{KEY_SCOPES, email};
use super::ensure::key_id;
use super::marks::figures;
use super::{Checked, Expected, MemberError};
use crate::databases::refused;

const LOOK: &str = "look at the members";

/// Whether the platform's tables are there, and whether the rest is as `hooks/rp9.sql` and `hooks/tables.sql` make it.
const COMMON: &str = r#"
    SELECT to_regclass('rp9.tenant') IS NOT NULL,
           to_regclass('rp9.started') IS NOT NULL AND to_regclass('rp9.leaving') IS NOT NULL
       AND to_regprocedure('rp9.begin_execution(text, boolean)') IS NOT NULL
       AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'public.webhook_entity'::regclass AND tgname = 'rp9_webhooks_are_own'
                      AND tgenabled IN ('O', 'A'))
       AND EXISTS (SELECT FROM role WHERE slug = 'global:tenant' AND "roleType" = 'global' AND NOT "systemRole")
       AND ARRAY(SELECT "scopeSlug"::text FROM role_scope WHERE "roleSlug" = 'global:tenant' ORDER BY "scopeSlug" COLLATE "C")
         = ARRAY['apiKey:create', 'apiKey:update', 'dataTable:list']"#;

/// A column for each flaw, by its word.
const FLAWS: &str = r#"
    WITH flaws AS (
        SELECT w.number,
               u.id IS NULL AS member_user_missing,
               u.email <> w.email OR u.email IS NULL AND u.id IS NOT NULL OR u."roleSlug" <> 'global:tenant' AS member_user_differs,
               u.disabled AS member_disabled,
               p.id IS NULL AS member_project_missing,
               p.type <> 'personal' OR p.id IS NOT NULL AND p."creatorId" IS DISTINCT FROM w."user" AS member_project_differs,
               u.id IS NOT NULL AND p.id IS NOT NULL AND r.role IS DISTINCT FROM 'project:personalOwner' AS member_not_the_owner,
               EXISTS (SELECT FROM project_relation o WHERE o."projectId" = w.project AND o."userId" <> w."user")
                OR EXISTS (SELECT FROM project_relation o WHERE o."userId" = w."user" AND o."projectId" <> w.project) AS member_stranger,
               k."apiKey" <> w.token OR k.id IS NOT NULL AND NOT coalesce(k.scopes::jsonb <@ $8::jsonb, false) AS member_key_differs,
               t.project_id IS NULL OR t.user_id <> w."user" OR t.concurrent <> w.concurrent
                OR t.executions_month IS DISTINCT FROM w.month AS member_limits_differ,
               t.suspended AS member_suspended
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[])
               WITH ORDINALITY AS w ("user", project, email, key, token, concurrent, month, number)
          LEFT JOIN "user" u ON u.id = w."user"
          LEFT JOIN project p ON p.id = w.project
          LEFT JOIN project_relation r ON r."projectId" = w.project AND r."userId" = w."user"
          LEFT JOIN user_api_keys k ON k.id = w.key AND k."userId" = w."user"
          LEFT JOIN rp9.tenant t ON t.project_id = w.project)
    SELECT * FROM flaws WHERE member_user_missing OR member_user_differs OR member_disabled OR member_project_missing OR member_project_differs
        OR member_not_the_owner OR member_stranger OR member_key_differs OR member_limits_differ OR member_suspended ORDER BY number"#;

pub(super) async fn check(
    connection: &mut PgConnection,
    expected: &[Expected],
) -> Result<Checked, MemberError> {
    let (told, rest) = common(connection).await?;
    let flawed = if told { Some(flawed(connection, expected).await?) } else { None };
    Ok(Checked { common_differs: !(told && rest), flawed })
}

/// Whether what they have in common is other than this release makes it.
pub(super) async fn common_differs(connection: &mut PgConnection) -> Result<bool, MemberError> {
    common(connection).await.map(|(told, rest)| !(told && rest))
}

async fn common(connection: &mut PgConnection) -> Result<(bool, bool), MemberError> {
    Ok(sqlx::query_as(COMMON).fetch_one(connection).await.map_err(refused(LOOK))?)
}

async fn flawed(
    connection: &mut PgConnection,
    expected: &[Expected],
) -> Result<Vec<(TenantId, Vec<Flaw>)>, MemberError> {
    let of = |what: fn(&Expected) -> String| expected.iter().map(what).collect::<Vec<_>>();
    let users: Vec<_> = expected.iter().map(|one| one.place.user.0).collect();
    let (concurrent, month): (Vec<_>, Vec<_>) = expected.iter().map(|one| figures(one.limits)).unzip();
    let question = sqlx::query(FLAWS).bind(users).bind(of(|one| one.place.project.to_string()));
    let question = question.bind(of(|one| email(one.tenant))).bind(of(|one| key_id(one.key)));
    let question = question.bind(of(|one| one.token.expose_secret().to_owned())).bind(concurrent).bind(month);
    let rows = question.bind(json!(KEY_SCOPES)).fetch_all(connection).await.map_err(refused(LOOK))?;
    let read = |row: &PgRow| -> Result<_, sqlx::Error> {
        let number: i64 = row.try_get("number")?;
        let one = usize::try_from(number - 1).ok().and_then(|at| expected.get(at));
        // What a row that is not there would have to say is not known, and nothing is wrong with it.
        let has = |flaw: &Flaw| row.try_get::<Option<bool>, _>(flaw.as_str()).map(Option::unwrap_or_default);
        let mut flaws = vec![];
        for flaw in Flaw::ALL {
            if has(&flaw)? {
                flaws.push(flaw);
            }
        }
        Ok(one.map(|one| (one.tenant, flaws)))
    };
    let flawed: Result<Vec<_>, _> = rows.iter().map(read).collect();
    Ok(flawed.map_err(refused(LOOK))?.into_iter().flatten().collect())
}
