//! `POST /operations/{id}/abandon`

use axum::{extract::State, response::Response};

use super::{Steered, steer};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::{ReasonBody, reason},
    store::{
        operations::Operation,
        steer::{AbandonOperation, Steering},
    },
};

pub enum Abandon {}

impl Access for Abandon {
    const ROLES: &'static [Role] = &[Role::Admin];
    const ACTION: Option<&'static str> = Some(AbandonOperation::ACTION);
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
        ("id" = String, Path, description = "The operation's id"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 202, body = Steered, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn abandon(State(app): State<App>, command: Command<Abandon, Operation>) -> Answered<Response> {
    let reason = match reason(command.body()) {
        Ok(reason) => reason,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    steer(&app, &command, AbandonOperation { reason }).await
}
