//! `POST /operations/{id}/…`: changing the course of an operation.

use axum::{extract::State, response::Response};
use common::id::{OperationId, TenantId};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds;

use crate::{
    app::App,
    auth::Command,
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Problem},
    routes::reason::{OptionalReasonBody, ReasonBody},
    store::{
        operations::{self, Operation},
        steer::{AbandonOperation, CancelOperation, ResumeOperation, Steering},
    },
};

/// Cancels an operation.
///
/// One that has not started ends at once. One that runs stops at the next boundary between steps and undoes everything; it ends
/// `rolled_back`, with an error that names who cancelled it. Asking again changes nothing.
#[utoipa::path(
    post, path = "/operations/{id}/cancel", tag = "operations",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The operation's id"), IdempotencyKey,
    ),
    responses(
        (status = 202, body = Steered, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn cancel(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, CancelOperation, Operation>,
) -> Answered<Response> {
    let cancel = CancelOperation::new(command.identity().subject(), body.reason);
    steer(&app, &command, cancel).await
}

/// Lets a stuck operation go on where it stopped.
///
/// Its attempts are counted anew.
#[utoipa::path(
    post, path = "/operations/{id}/resume", tag = "operations",
    request_body = ReasonBody,
    security(("token" = ["admin"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The operation's id"), IdempotencyKey,
    ),
    responses(
        (status = 202, body = Steered, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn resume(
    State(app): State<App>,
    Asked { command, body }: Asked<ReasonBody, ResumeOperation, Operation>,
) -> Answered<Response> {
    steer(&app, &command, ResumeOperation { reason: body.reason }).await
}

/// Gives a stuck operation up.
///
/// It ends `abandoned`, whatever it did stays as it is, and the tenant's later operations run. An abandoned creation or
/// removal leaves the tenant `failed` and without routes; it can be removed again.
#[utoipa::path(
    post, path = "/operations/{id}/abandon", tag = "operations",
    request_body = ReasonBody,
    security(("token" = ["admin"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The operation's id"), IdempotencyKey,
    ),
    responses(
        (status = 202, body = Steered, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn abandon(
    State(app): State<App>,
    Asked { command, body }: Asked<ReasonBody, AbandonOperation, Operation>,
) -> Answered<Response> {
    steer(&app, &command, AbandonOperation { reason: body.reason }).await
}

/// What became of a request about an operation: it was taken. `Location` names where to watch what it does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Steered {
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = Option<String>, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: Option<TenantId>,
}

/// Does what is asked to the operation, or says why it is too late.
async fn steer<S: Steering<Target = Operation>>(
    app: &App,
    command: &Command<S, Operation>,
    steering: S,
) -> Answered<Response> {
    let operation = command.target();
    let steered = Steered { operation_id: operation.id, tenant_id: operation.tenant_id };
    let location = format!("/operations/{}", operation.id);
    let answer = Answer::json(StatusCode::ACCEPTED, location, &steered)?;
    let Some(answer) = commands::steer(app, command, &steering, answer).await? else {
        return Err(too_late::<S>(app, command).await?);
    };
    // One of a kind that only a later version knows is left to the sweeper. Waking twice for one request is harmless.
    if let Some(kind) = kinds::of_word(&operation.kind) {
        commands::wake(app, command.exchange(), operation.id, kind);
    }
    Ok(answer)
}

/// Read anew: what was found when the request came in may be why it was asked, not why it is refused.
async fn too_late<S: Steering<Target = Operation>>(
    app: &App,
    command: &Command<impl Sized, Operation>,
) -> Answered<Problem> {
    let scope = command.identity().scope();
    let now = operations::find(&app.reader(scope), command.target().id).await?;
    Ok(now.map_or_else(crate::auth::absent_operation, |now| S::refusal(&now)))
}
