//! `POST /operations/{id}/cancel`

use axum::{extract::State, response::Response};

use super::{Steered, steer};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::{OptionalReasonBody, optional_reason},
    store::{
        operations::Operation,
        steer::{CancelOperation, Steering},
    },
};

pub enum Cancel {}

impl Access for Cancel {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];
    const ACTION: Option<&'static str> = Some(CancelOperation::ACTION);
}

/// Cancels an operation.
///
/// One that has not started ends at once. One that runs stops at the next boundary between steps and undoes everything; it ends
/// `rolled_back`, with an error that names who cancelled it. Asking again changes nothing.
#[utoipa::path(
    post, path = "/operations/{id}/cancel", tag = "operations",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The operation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 202, body = Steered, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn cancel(State(app): State<App>, command: Command<Cancel, Operation>) -> Answered<Response> {
    let reason = match optional_reason(command.body()) {
        Ok(reason) => reason,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let cancel = CancelOperation::new(command.identity().subject(), reason);
    steer(&app, &command, cancel).await
}
