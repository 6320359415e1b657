//! `POST /dead-letters/{id}/replay` and `DELETE /dead-letters/{id}`: what becomes of a dead letter.

use axum::{extract::State, response::Response};
use common::id::DeadLetterId;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Command, absent_dead_letter},
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    store::{
        dead_letters::{self, DeadLetter},
        steer::{DeleteDeadLetter, ReplayDeadLetter, Steering},
    },
    vocabulary,
};

/// Sends a dead letter again, to where it was sent first.
///
/// It is sent as it is; if it fails again, that is another dead letter.
#[utoipa::path(
    post, path = "/dead-letters/{id}/replay", tag = "dead letters",
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The dead letter's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Decided, headers(("location" = String, description = "The dead letter"))),
    )
)]
pub async fn replay(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), ReplayDeadLetter, DeadLetter>,
) -> Answered<Response> {
    let id = command.target().id;
    let decided = Decided { dead_letter_id: id, state: "replaying" };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/dead-letters/{id}"), &decided)?;
    decide(&app, &command, ReplayDeadLetter::new(command.target()), answer).await
}

/// Deletes a dead letter.
///
/// What it asked for is not done. One that somebody had sent again is decided about, and stays for its 30 days.
#[utoipa::path(
    delete, path = "/dead-letters/{id}", tag = "dead letters",
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The dead letter's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = Decided),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), DeleteDeadLetter, DeadLetter>,
) -> Answered<Response> {
    let answer = Answer::done(&Decided { dead_letter_id: command.target().id, state: "deleted" })?;
    decide(&app, &command, DeleteDeadLetter::new(command.target()), answer).await
}

/// What was decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decided {
    #[schema(value_type = String, example = "dl_0198c0de0000700080000000000000cc")]
    dead_letter_id: DeadLetterId,
    /// `replaying` or `deleted`.
    #[schema(value_type = vocabulary::Decision)]
    state: &'static str,
}

/// Does what was decided, or says who was quicker.
async fn decide<S: Steering<Target = DeadLetter>>(
    app: &App,
    command: &Command<S, DeadLetter>,
    decision: S,
    answer: Answer,
) -> Answered<Response> {
    if let Some(answer) = commands::steer(app, command, &decision, answer).await? {
        app.replays.notify_one();
        return Ok(answer);
    }
    // Read anew: somebody else has decided since.
    let now = dead_letters::find(&app.statements, command.target().id).await?;
    Err(now.map_or_else(absent_dead_letter, |now| S::refusal(&now)))
}
