//! `POST /dead-letters/{id}/replay`

use axum::{extract::State, response::Response};

use super::{DECIDERS, Decided, decide};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::{Answered, ProblemDocument},
    store::dead_letters::{DeadLetter, Decision},
};

pub enum Replay {}

impl Access for Replay {
    const ROLES: &'static [Role] = DECIDERS;
    const ACTION: Option<&'static str> = Some(Decision::Replay.action());
}

/// Sends a dead letter again, to where it was sent first.
///
/// It is sent as it is; if it fails again, that is another dead letter.
#[utoipa::path(
    post, path = "/dead-letters/{id}/replay", tag = "dead letters",
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The dead letter's id"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 202, body = Decided, headers(("location" = String, description = "The dead letter"))),
        (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn replay(State(app): State<App>, command: Command<Replay, DeadLetter>) -> Answered<Response> {
    decide(&app, &command, Decision::Replay).await
}
