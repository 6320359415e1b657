//! `DELETE /sandboxes/{name}`

use axum::{extract::State, response::Response};
use common::{
    id::OperationId,
    operations::{NewOperation, Request as _},
    tenant::TenantStatus,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds::TenantDelete;

use crate::{
    app::App,
    auth::absent_sandbox,
    commands::{self, Asked, For},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    store::{accept::asked, operations, sandboxes::Sandbox},
    vocabulary,
};

/// The removal that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemovedSandbox {
    #[schema(example = "acme-restore-20260801")]
    name: String,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
}

/// Removes a sandbox with everything in it.
///
/// The tenant and the backup stay. One that is still being made can be removed too: that happens right after.
#[utoipa::path(
    delete, path = "/sandboxes/{name}", tag = "sandboxes",
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("name" = String, Path, description = "Its name, the first label of its address"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = RemovedSandbox, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), For<TenantDelete>, Sandbox>,
) -> Answered<Response> {
    let (sandbox, operation) = (command.target(), OperationId::generate());
    let removed = RemovedSandbox {
        name: sandbox.name.clone(),
        operation_id: operation,
        status: TenantStatus::Deleting,
    };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &removed)?;
    let new = NewOperation::of(
        operation,
        &sandbox.id,
        &TenantDelete { final_backup: false },
        asked(&command, None),
    );
    if let Some(answer) = commands::accept(&app, &command, &new, answer).await? {
        return Ok(answer);
    }
    match operations::find_open(&app.statements, sandbox.id, TenantDelete::KIND).await? {
        Some(operation) => {
            let detail = format!("The sandbox is being removed by operation {operation}: wait for its end.");
            Err(Problem::new(Code::RemovalUnderWay).detail(detail))
        }
        None => Err(absent_sandbox()),
    }
}
