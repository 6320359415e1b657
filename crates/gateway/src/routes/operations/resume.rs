//! `POST /operations/{id}/resume`

use axum::{extract::State, response::Response};

use super::{Steered, steer};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::{ReasonBody, reason},
    store::{
        operations::Operation,
        steer::{ResumeOperation, Steering},
    },
};

pub enum Resume {}

impl Access for Resume {
    const ROLES: &'static [Role] = &[Role::Admin];
    const ACTION: Option<&'static str> = Some(ResumeOperation::ACTION);
}

/// Lets a stuck operation go on where it stopped.
///
/// Its attempts are counted anew.
#[utoipa::path(
    post, path = "/operations/{id}/resume", tag = "operations",
    request_body = ReasonBody,
    security(("token" = ["admin"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The operation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 202, body = Steered, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn resume(State(app): State<App>, command: Command<Resume, Operation>) -> Answered<Response> {
    let reason = match reason(command.body()) {
        Ok(reason) => reason,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    steer(&app, &command, ResumeOperation { reason }).await
}
