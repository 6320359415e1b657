//! `DELETE /keys/{id}`

use axum::{extract::State, response::Response};
use common::id::KeyId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Identity, absent_key},
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    store::{keys::ApiKey, steer::RevokeKey},
    vocabulary,
};

/// What became of a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedKey {
    #[schema(value_type = String, example = "key_0198c0de0000700080000000000000dd")]
    key_id: KeyId,
    /// `revoked`.
    #[schema(value_type = vocabulary::KeyState)]
    state: &'static str,
}

/// Revokes a key.
///
/// When this is answered no gateway takes it any more, nor any key that was made with it; streams that it opened end within a second. It
/// stays in the list. Asking again changes nothing. With a key only keys are revoked that have no other scopes than it.
#[utoipa::path(
    delete, path = "/keys/{id}", tag = "keys",
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The key's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = RevokedKey),
    )
)]
pub async fn revoke(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), RevokeKey, ApiKey>,
) -> Answered<Response> {
    let key = command.target();
    if !may_revoke(command.identity(), key) {
        let beyond = "This API key has scopes that yours has not.";
        return command.repeat_or(&app.statements, Problem::new(Code::Forbidden).detail(beyond)).await;
    }
    let answer = Answer::done(&RevokedKey { key_id: key.id, state: "revoked" })?;
    let revoked = commands::steer(&app, &command, &RevokeKey::new(key), answer).await?;
    app.keys.known_everywhere().await;
    revoked.ok_or_else(absent_key)
}

fn may_revoke(identity: &Identity, key: &ApiKey) -> bool {
    let own = identity.key().map(|own| own.scopes());
    own.is_none_or(|own| key.scopes.iter().all(|word| own.iter().any(|scope| scope.as_str() == word)))
}
