//! `DELETE /shared-instances/{id}`

use axum::{extract::State, response::Response};
use common::{
    id::{OperationId, TenantId},
    operations::{NewOperation, Request},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds::TenantDelete;

use super::still_there;
use crate::{
    app::App,
    auth::{Access, Role},
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    store::{accept::asked, shared_instances::SharedInstance},
    tenants::in_the_way,
    vocabulary,
};

pub enum DeleteSharedInstance {}

impl Access for DeleteSharedInstance {
    const ROLES: &'static [Role] = &[Role::Admin];
    const ACTION: Option<&'static str> = Some(TenantDelete::KIND.name);
}

/// The removal that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemovedSharedInstance {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    id: TenantId,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = vocabulary::SharedInstanceState)]
    state: &'static str,
}

/// Removes an n8n that nobody shares any more.
///
/// As long as tenants live in it, it is refused (409 `instance_in_use`): let no more in (`drain`), and move or delete those that are there. One that
/// the platform does not run is forgotten, and refused as long as it is configured (409 `external_n8n`).
#[utoipa::path(
    delete, path = "/shared-instances/{id}", tag = "shared instances",
    security(("token" = ["admin"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "Its id or name"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = RemovedSharedInstance, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), DeleteSharedInstance, SharedInstance>,
) -> Answered<Response> {
    let (id, operation) = (command.target().id, OperationId::generate());
    let removed = RemovedSharedInstance { id, operation_id: operation, state: "deleting" };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &removed)?;
    let new = NewOperation::of(operation, &id, &TenantDelete { final_backup: false }, asked(&command, None));
    match commands::accept(&app, &command, &new, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(refusal(&app, id).await?),
    }
}

async fn refusal(app: &App, id: TenantId) -> Answered<Problem> {
    let instance = still_there(app, id).await?;
    let itself = if instance.tenants > 0 { None } else { in_the_way(app, id).await? };
    Ok(itself.unwrap_or_else(|| in_use(&instance)))
}

fn in_use(instance: &SharedInstance) -> Problem {
    let live = if instance.tenants == 1 {
        "1 tenant lives".to_owned()
    } else {
        format!("{} tenants live", instance.tenants)
    };
    let more = if instance.draining {
        ""
    } else {
        " More may be placed in it until it is drained (`POST …/drain`)."
    };
    let detail = format!("{live} in {}.{more} It can be removed once nobody does.", instance.name);
    Problem::new(Code::InstanceInUse).detail(detail)
}
