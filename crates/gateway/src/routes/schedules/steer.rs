//! `POST /schedules/{name}/…`: holding a schedule back, and letting it go on.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Command, absent_schedule},
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    routes::reason::{OptionalReasonBody, ReasonBody},
    store::{
        schedules::Schedule,
        steer::{PauseSchedule, ResumeSchedule, Steering},
    },
};

/// Holds a schedule back.
///
/// Nothing of it begins any more; what runs is finished. Asking again changes nothing.
#[utoipa::path(
    post, path = "/schedules/{name}/pause", tag = "schedules",
    request_body = ReasonBody,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("name" = String, Path, description = "The schedule's name"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = SteeredSchedule),
    )
)]
pub async fn pause(
    State(app): State<App>,
    Asked { command, body }: Asked<ReasonBody, PauseSchedule, Schedule>,
) -> Answered<Response> {
    let pause = PauseSchedule::new(command.target(), body.reason);
    steer(&app, &command, pause, true).await
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
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = SteeredSchedule),
    )
)]
pub async fn resume(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, ResumeSchedule, Schedule>,
) -> Answered<Response> {
    let resume = ResumeSchedule::new(command.target(), body.reason.as_ref());
    steer(&app, &command, resume, false).await
}

/// What became of a request about a schedule: it was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct SteeredSchedule {
    #[schema(example = "audit.verify")]
    name: String,
    /// Whether it is held back now.
    paused: bool,
}

/// Does what is asked to the schedule.
async fn steer<S: Steering<Target = Schedule>>(
    app: &App,
    command: &Command<S, Schedule>,
    steering: S,
    paused: bool,
) -> Answered<Response> {
    let steered = SteeredSchedule { name: command.target().name.clone(), paused };
    let answer = Answer::json(StatusCode::OK, "/schedules".to_owned(), &steered)?;
    // The only thing that can have come in between is that it is gone.
    commands::steer(app, command, &steering, answer).await?.ok_or_else(absent_schedule)
}
