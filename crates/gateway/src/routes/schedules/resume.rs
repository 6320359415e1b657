//! `POST /schedules/{name}/resume`

use axum::{extract::State, response::Response};

use super::{SteeredSchedule, steer};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::{OptionalReasonBody, optional_reason},
    store::{
        schedules::Schedule,
        steer::{ResumeSchedule, Steering},
    },
};

pub enum Resume {}

impl Access for Resume {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
    const ACTION: Option<&'static str> = Some(ResumeSchedule::ACTION);
}

/// Lets a schedule go on.
///
/// What it missed while it was paused is caught up or skipped, as it is declared. Asking again changes nothing.
#[utoipa::path(
    post, path = "/schedules/{name}/resume", tag = "schedules",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("name" = String, Path, description = "The schedule's name"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = SteeredSchedule),
    )
)]
pub async fn resume(State(app): State<App>, command: Command<Resume, Schedule>) -> Answered<Response> {
    let reason = match optional_reason(command.body()) {
        Ok(reason) => reason,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let resume = ResumeSchedule::new(command.target(), reason.as_deref());
    steer(&app, &command, resume, false).await
}
