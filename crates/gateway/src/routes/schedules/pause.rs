//! `POST /schedules/{name}/pause`

use axum::{extract::State, response::Response};

use super::{SteeredSchedule, steer};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::{ReasonBody, reason},
    store::{
        schedules::Schedule,
        steer::{PauseSchedule, Steering},
    },
};

pub enum Pause {}

impl Access for Pause {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
    const ACTION: Option<&'static str> = Some(PauseSchedule::ACTION);
}

/// Holds a schedule back.
///
/// Nothing of it begins any more; what runs is finished. Asking again changes nothing.
#[utoipa::path(
    post, path = "/schedules/{name}/pause", tag = "schedules",
    request_body = ReasonBody,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("name" = String, Path, description = "The schedule's name"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = SteeredSchedule),
    )
)]
pub async fn pause(State(app): State<App>, command: Command<Pause, Schedule>) -> Answered<Response> {
    let reason = match reason(command.body()) {
        Ok(reason) => reason,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let pause = PauseSchedule::new(command.target(), reason);
    steer(&app, &command, pause, true).await
}
