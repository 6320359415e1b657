//! Whether the n8n that answers at an address, the database and the secret that belong to it according to somebody's settings do belong together.
//!
//! It is tried and not concluded: a key that was just written into the database, and may do nothing, is shown to the n8n. Who has another
//! database, or a copy of this one, does not know it; who knows it refuses what it may not. That the secret is the n8n's own shows in the key that it
//! takes already, which n8n has signed with it.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;

use super::super::api::below;
use super::super::{Main, MemberError, Unfit};
use crate::account::{ApiKeySigner, OwnerId, random};
use crate::databases::refused;

/// Somebody else's n8n may be far away.
const WITHIN: Duration = Duration::from_secs(10);

/// What the platform's key is used for, and what is asked here.
const NEEDED: [&str; 5] =
    ["user:list", "user:delete", "workflow:activate", "workflow:deactivate", "execution:stop"];

/// What such a key is called: one that is left, because somebody was killed meanwhile, goes with a later one.
const LABEL: &str = "rp9 probe ";

/// What n8n says to a key.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Yes,
    /// It knows the key, which may not do this.
    NotAllowed,
    /// It has no such key.
    Unknown,
    /// It has one and cannot read it, or something else went wrong.
    Failed,
}

/// Whether an n8n answers there, and to this key.
pub(super) async fn answers(client: &Client, main: &Main) -> Result<(), Unfit> {
    match ask(client, main, &main.key).await? {
        Said::Yes => Ok(()),
        Said::NotAllowed => Err(Unfit::KeyTooWeak),
        Said::Unknown => Err(Unfit::KeyRefused),
        Said::Failed => Err(Unfit::Away("it answers with errors".into())),
    }
}

/// The owner in this database, where the key that n8n takes is that of somebody who may what the platform has to do.
pub(super) async fn owner(connection: &mut PgConnection, main: &Main) -> Result<OwnerId, Unfit> {
    let question = sqlx::query_as(
        r#"SELECT o.id, k.id IS NOT NULL,
                  coalesce(u."roleSlug" IN ('global:owner', 'global:admin') AND k.scopes::jsonb @> $2::jsonb, false)
             FROM "user" o LEFT JOIN user_api_keys k ON k."apiKey" = $1 LEFT JOIN "user" u ON u.id = k."userId"
            WHERE o."roleSlug" = 'global:owner' ORDER BY o."createdAt", o.id LIMIT 1"#,
    );
    let question = question.bind(main.key.expose_secret()).bind(json!(NEEDED));
    let found: Option<(uuid::Uuid, bool, bool)> =
        question.fetch_optional(connection).await.map_err(refused("look for the owner"))?;
    match found {
        Some((owner, true, true)) => Ok(OwnerId(owner)),
        Some((_, true, false)) => Err(Unfit::KeyTooWeak),
        Some((_, false, _)) | None => Err(Unfit::AnotherDatabase),
    }
}

/// Whether n8n knows a key that was just written into this database. What it was given as its secret is tried with it.
pub(super) async fn same(
    client: &Client,
    connection: &mut PgConnection,
    main: &Main,
    (owner, secret): (OwnerId, &SecretString),
) -> Result<(), Unfit> {
    let unmade = |error: crate::account::AccountError| Unfit::Away(error.into());
    let id = random::<8>().map(hex::encode).map_err(unmade)?;
    let seed = uuid::Builder::from_random_bytes(random().map_err(unmade)?).into_uuid();
    let token = ApiKeySigner { secret }.sign(owner, seed, common::clock::now()).map_err(unmade)?;
    let insert = sqlx::query(
        r#"INSERT INTO user_api_keys (id, "userId", label, "apiKey", scopes, audience) VALUES ($1, $2, $3, $4, '[]'::json, 'public-api')"#,
    );
    let insert = insert.bind(&id).bind(owner.0).bind(format!("{LABEL}{id}")).bind(token.expose_secret());
    insert.execute(&mut *connection).await.map_err(refused("show n8n a key"))?;
    let said = ask(client, main, &token).await;
    let delete = sqlx::query(
        r#"DELETE FROM user_api_keys
            WHERE id = $1 OR starts_with(label, $2) AND "createdAt" < CURRENT_TIMESTAMP(3) - interval '5 minutes'"#,
    );
    delete.bind(&id).bind(LABEL).execute(connection).await.map_err(refused("take a key away"))?;
    match said? {
        // It may do nothing, so that nobody can use one that is left.
        Said::NotAllowed | Said::Yes => Ok(()),
        Said::Unknown => Err(Unfit::AnotherDatabase),
        Said::Failed => Err(Unfit::AnotherSecret),
    }
}

/// Before the platform's schema is first made: whether it would stop anybody's work. Once it is there, whoever comes later finds it so.
pub(super) async fn alone(connection: &mut PgConnection) -> Result<(), Unfit> {
    let question = sqlx::query_scalar(
        r#"SELECT to_regclass('rp9.tenant') IS NULL AND EXISTS (
               SELECT FROM shared_workflow s
                 LEFT JOIN project_relation r ON r."projectId" = s."projectId" AND r.role = 'project:personalOwner'
                 LEFT JOIN "user" u ON u.id = r."userId"
                WHERE s.role = 'workflow:owner' AND coalesce(u."roleSlug", '') NOT IN ('global:owner', 'global:tenant'))"#,
    );
    let others: bool = question.fetch_one(connection).await.map_err(refused("look for others"))?;
    if others { Err(Unfit::NotAlone) } else { Ok(()) }
}

/// Whether the login may make the platform's schema. PostgreSQL asks for that right where there is one already, too.
pub(super) async fn may_make_a_schema(connection: &mut PgConnection) -> Result<(), Unfit> {
    let question = sqlx::query_scalar("SELECT has_database_privilege(current_database(), 'CREATE')");
    let may: bool = question.fetch_one(connection).await.map_err(refused("look for a right"))?;
    if may { Ok(()) } else { Err(Unfit::LoginTooWeak) }
}

/// Whether the hooks are there: they answer this one question to whoever comes through a tenant's address (`guard.cjs`).
pub(super) async fn hooks(client: &Client, main: &Main) -> Result<(), Unfit> {
    let url = below(&main.address, &["rest", "projects", "count"]).map_err(away)?;
    let request = client.get(url).header("x-rp9-shared-tenant", "nobody http://nobody.invalid");
    let answer =
        request.timeout(WITHIN).send().await.map_err(|error| Unfit::Away(error.without_url().into()))?;
    let body: Option<Value> = answer.json().await.ok();
    let alone = json!({ "data": { "personal": 1, "team": 0 } });
    if body == Some(alone) { Ok(()) } else { Err(Unfit::NoHooks) }
}

async fn ask(client: &Client, main: &Main, key: &SecretString) -> Result<Said, Unfit> {
    let url = below(&main.address, &["api", "v1", "users"]).map_err(away)?;
    let request = client.get(url).query(&[("limit", "1")]).header("x-n8n-api-key", key.expose_secret());
    let answer =
        request.timeout(WITHIN).send().await.map_err(|error| Unfit::Away(error.without_url().into()))?;
    let status = answer.status();
    read(status, answer.json().await.ok())
}

/// Only n8n's API says so in JSON: another status, or a page, is somebody else's word.
fn read(status: StatusCode, body: Option<Value>) -> Result<Said, Unfit> {
    let body = body.unwrap_or_default();
    match status {
        StatusCode::OK if body["data"].is_array() => Ok(Said::Yes),
        StatusCode::UNAUTHORIZED if body["message"].is_string() => Ok(Said::Unknown),
        StatusCode::FORBIDDEN if body["message"].is_string() => Ok(Said::NotAllowed),
        StatusCode::INTERNAL_SERVER_ERROR if body["message"].is_string() => Ok(Said::Failed),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Err(Unfit::Away(format!("it answers with {status}").into()))
        }
        status => Err(Unfit::NotN8n(status.as_u16())),
    }
}

fn away(error: MemberError) -> Unfit {
    Unfit::Away(error.into())
}

impl From<MemberError> for Unfit {
    fn from(error: MemberError) -> Self {
        if let MemberError::Database(error) = error { error.into() } else { Self::Away(error.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_is_worth_is_read_from_n8ns_own_word_alone() {
        let message = || Some(json!({ "message": "no" }));
        let told = |status: u16, body: Option<Value>| {
            read(StatusCode::from_u16(status).unwrap(), body).map_err(|unfit| unfit.code())
        };
        assert_eq!(told(200, Some(json!({ "data": [], "nextCursor": null }))), Ok(Said::Yes));
        assert_eq!(told(401, message()), Ok(Said::Unknown));
        assert_eq!(told(403, message()), Ok(Said::NotAllowed));
        assert_eq!(told(500, message()), Ok(Said::Failed));
        for (status, body, code) in [
            (200, None, "not_n8n"),
            (200, Some(json!({ "data": 1 })), "not_n8n"),
            (301, None, "not_n8n"),
            (401, None, "not_n8n"),
            (404, message(), "not_n8n"),
            (429, message(), "away"),
            (500, None, "away"),
            (502, None, "away"),
            (503, message(), "away"),
        ] {
            assert_eq!(told(status, body.clone()), Err(code), "{status} {body:?}");
        }
    }
}
