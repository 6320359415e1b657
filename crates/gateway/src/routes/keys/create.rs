//! `POST /keys`

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use common::{clock, id::TenantId};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Grant, KeyText, Role, unknown_tenant},
    commands::{Asked, refusal},
    idempotency::{Answer, IdempotencyKey},
    keys::NewKey,
    problem::{Answered, Code, Problem},
    store::keys::{self, ApiKey, CreateKey, MOST_OF_A_TENANT, MOST_OF_STAFF},
};

#[derive(Debug)]
pub enum MakeKey {}

impl Access for MakeKey {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some("key.create");
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeKey {
    data: ApiKey,
    /// The key itself, shown in this answer and never again: `null` where the answer is given again under its `Idempotency-Key`.
    #[schema(
        example = "rp9_0198c0de0000700080000000000000dd_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    )]
    key: Option<String>,
}

/// Makes a key.
///
/// Requests bring it as `Authorization: Bearer <key>` in place of a token, and sign with its whole text. It may no more than whoever makes
/// it: a role that includes it, tenants that they see, scopes and an end that are not beyond those of their own key. A key that was made
/// with another ends with that one. It is shown once and kept as a hash; every gateway takes it when this is answered.
#[utoipa::path(
    post, path = "/keys", tag = "keys",
    request_body = NewKey,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(IdempotencyKey),
    responses(
        (status = 201, body = MadeKey, headers(("location" = String, description = "The key"))),
    )
)]
pub async fn create(
    State(app): State<App>,
    Asked { command, body }: Asked<NewKey, MakeKey>,
) -> Answered<Response> {
    let granted = granted(&app, command.identity(), body).await;
    let grant = match granted {
        Ok(grant) => grant,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let text = KeyText::make()?;
    let location = format!("/keys/{}", text.id());
    let mut made = MadeKey { data: as_made(&text, &grant, command.identity().subject()), key: None };
    // What is kept for those who ask again holds no key.
    let kept = Answer::json(StatusCode::CREATED, location.clone(), &made)?;
    if !(CreateKey { text: &text, grant: &grant })
        .accept(&app.statements, &command, &kept)
        .await
        .map_err(refusal)?
    {
        return command.repeat_or(&app.statements, too_many()).await;
    }
    app.keys.known_everywhere().await;
    made.key = Some(text.expose().to_owned());
    let mut answer = Answer::json(StatusCode::CREATED, location, &made)?.into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// What the caller may grant, to tenants that are there.
async fn granted(app: &App, identity: &crate::auth::Identity, new: NewKey) -> Answered<Grant> {
    let grant = Grant::of(identity, new, clock::now())?;
    let Some(asked) = &grant.tenants else { return Ok(grant) };
    let there: Vec<TenantId> = keys::tenants_there(&app.statements, asked).await?;
    let absent = asked.iter().enumerate().filter(|(_, id)| !there.contains(id));
    let absent: Vec<_> = absent.map(|(index, _)| unknown_tenant(index)).collect();
    if absent.is_empty() { Ok(grant) } else { Err(Problem::fields(absent)) }
}

fn too_many() -> Problem {
    Problem::new(Code::TooManyKeys).detail(format!(
        "There are as many keys as can be: {MOST_OF_A_TENANT} of owners for one tenant, {MOST_OF_STAFF} of all other roles. Revoke some."
    ))
}

fn as_made(text: &KeyText, grant: &Grant, maker: &str) -> ApiKey {
    ApiKey {
        id: text.id(),
        name: grant.name.as_str().to_owned(),
        role: grant.role.as_str().to_owned(),
        tenants: grant.tenants.clone(),
        scopes: grant.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        state: "active".to_owned(),
        created_at: grant.created_at,
        created_by: maker.to_owned(),
        expires_at: grant.expires_at,
        last_used_at: None,
        revoked_at: None,
        revoked_by: None,
    }
}
