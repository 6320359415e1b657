//! `POST /shared-instances/{id}/…`: whether more tenants are placed in one.

use axum::{extract::State, response::Response};
use common::id::TenantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::Command,
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::{
        shared_instances::SharedInstance,
        steer::{DrainSharedInstance, ReopenSharedInstance, Steering},
    },
};

/// Places no more tenants in an n8n that is shared.
///
/// Those that live in it go on as before. Asking again changes nothing.
#[utoipa::path(
    post, path = "/shared-instances/{id}/drain", tag = "shared instances",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "Its id or name"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = SteeredSharedInstance),
    )
)]
pub async fn drain(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, DrainSharedInstance, SharedInstance>,
) -> Answered<Response> {
    steer(&app, &command, DrainSharedInstance { reason: body.reason }, true).await
}

/// Places tenants in it again.
///
/// Asking again changes nothing.
#[utoipa::path(
    post, path = "/shared-instances/{id}/reopen", tag = "shared instances",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "Its id or name"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = SteeredSharedInstance),
    )
)]
pub async fn reopen(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, ReopenSharedInstance, SharedInstance>,
) -> Answered<Response> {
    steer(&app, &command, ReopenSharedInstance { reason: body.reason }, false).await
}

/// What became of a request about whether more are placed in it: it was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct SteeredSharedInstance {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    id: TenantId,
    /// Whether no more tenants are placed in it now.
    draining: bool,
}

async fn steer<S: Steering<Target = SharedInstance>>(
    app: &App,
    command: &Command<S, SharedInstance>,
    steering: S,
    draining: bool,
) -> Answered<Response> {
    let steered = SteeredSharedInstance { id: command.target().id, draining };
    let answer = Answer::done(&steered)?;
    commands::steered(app, command, &steering, answer).await
}
