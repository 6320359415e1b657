//! `/operations`

pub mod abandon;
pub mod cancel;
pub mod list;
pub mod resume;
pub mod show;

use axum::response::Response;
use common::id::{OperationId, TenantId};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds;

use crate::{
    app::App,
    auth::Command,
    commands,
    idempotency::Answer,
    problem::{Answered, Problem},
    store::{
        operations::{self, Operation},
        steer::Steering,
    },
};

/// What became of a request about an operation: it was taken. `Location` names where to watch what it does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Steered {
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = Option<String>, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: Option<TenantId>,
}

/// Does what is asked to the operation, or says why it is too late.
async fn steer<A, S: Steering<Target = Operation>>(
    app: &App,
    command: &Command<A, Operation>,
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
