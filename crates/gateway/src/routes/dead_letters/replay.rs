//! `POST /dead-letters/{id}/replay`

use axum::{extract::State, response::Response};
use http::StatusCode;

use super::{DECIDERS, Decided, decide};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    idempotency::Answer,
    problem::Answered,
    store::{
        dead_letters::DeadLetter,
        steer::{ReplayDeadLetter, Steering},
    },
};

pub enum Replay {}

impl Access for Replay {
    const ROLES: &'static [Role] = DECIDERS;
    const ACTION: Option<&'static str> = Some(ReplayDeadLetter::ACTION);
}

/// Sends a dead letter again, to where it was sent first.
///
/// It is sent as it is; if it fails again, that is another dead letter.
#[utoipa::path(
    post, path = "/dead-letters/{id}/replay", tag = "dead letters",
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The dead letter's id"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 202, body = Decided, headers(("location" = String, description = "The dead letter"))),
    )
)]
pub async fn replay(State(app): State<App>, command: Command<Replay, DeadLetter>) -> Answered<Response> {
    let id = command.target().id;
    let decided = Decided { dead_letter_id: id, state: "replaying" };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/dead-letters/{id}"), &decided)?;
    let decision = ReplayDeadLetter::new(command.target());
    decide(&app, &command, decision, answer).await
}
