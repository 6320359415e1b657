//! `POST /shared-instances/{id}/rebuild`

use axum::{extract::State, response::Response};
use common::{
    id::{OperationId, TenantId},
    operations::{NewOperation, Request as _},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds::TenantRebuild;

use super::still_there;
use crate::{
    app::App,
    commands::{self, Asked, For},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    routes::reason::OptionalReasonBody,
    store::{accept::asked, operations, shared_instances::SharedInstance},
    tenants::{in_the_way, next_step, words::Reason},
};

/// What was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RebuiltSharedInstance {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    id: TenantId,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
}

/// Makes an n8n anew that tenants share, and whose database is lost.
///
/// It begins empty, with its address, its size and its release. Then the newest backup of everybody who lives in it is restored, each by an operation of
/// its own (`tenant.restore`); whoever has none has nothing. As long as there is a database with something in it the operation ends as `rolled_back` and has touched nothing.
/// One that the platform does not run is 409 `external_n8n`.
#[utoipa::path(
    post, path = "/shared-instances/{id}/rebuild", tag = "shared instances",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "Its id or name"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = RebuiltSharedInstance, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn rebuild(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, For<TenantRebuild>, SharedInstance>,
) -> Answered<Response> {
    let (id, operation) = (command.target().id, OperationId::generate());
    if let Some(problem) = in_the_way(&app, id).await? {
        return command.repeat_or(&app.statements, problem).await;
    }
    let rebuilt = RebuiltSharedInstance { id, operation_id: operation };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &rebuilt)?;
    let asked = asked(&command, body.reason.as_ref().map(Reason::as_str));
    let new = NewOperation::of(operation, &id, &TenantRebuild {}, asked);
    match commands::accept(&app, &command, &new, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(refusal(&app, id).await?),
    }
}

async fn refusal(app: &App, id: TenantId) -> Answered<Problem> {
    let status = still_there(app, id).await?.status.0;
    let open = operations::find_open(&app.statements, id, TenantRebuild::KIND).await?;
    let detail = match open {
        Some(operation) => format!("It is being made anew by operation {operation}: wait for its end."),
        None => format!("It is {status}. {}", next_step(status)),
    };
    Ok(Problem::new(Code::Conflict).detail(detail))
}
