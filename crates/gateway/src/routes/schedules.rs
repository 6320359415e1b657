//! `/schedules`

pub mod list;
pub mod pause;
pub mod resume;

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Command, absent_schedule},
    commands,
    idempotency::Answer,
    problem::Answered,
    store::{schedules::Schedule, steer::Steering},
};

/// What became of a request about a schedule: it was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct SteeredSchedule {
    #[schema(example = "audit.verify")]
    name: String,
    /// Whether it is held back now.
    paused: bool,
}

/// Does what is asked to the schedule.
async fn steer<A, S: Steering<Target = Schedule>>(
    app: &App,
    command: &Command<A, Schedule>,
    steering: S,
    paused: bool,
) -> Answered<Response> {
    let steered = SteeredSchedule { name: command.target().name.clone(), paused };
    let answer = Answer::json(StatusCode::OK, "/schedules".to_owned(), &steered)?;
    // The only thing that can have come in between is that it is gone.
    commands::steer(app, command, &steering, answer).await?.ok_or_else(absent_schedule)
}
