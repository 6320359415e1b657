//! `DELETE /dead-letters/{id}`

use axum::{extract::State, response::Response};

use super::{DECIDERS, Decided, decide};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    idempotency::Answer,
    problem::Answered,
    store::{
        dead_letters::DeadLetter,
        steer::{DeleteDeadLetter, Steering},
    },
};

pub enum Delete {}

impl Access for Delete {
    const ROLES: &'static [Role] = DECIDERS;
    const ACTION: Option<&'static str> = Some(DeleteDeadLetter::ACTION);
}

/// Deletes a dead letter.
///
/// What it asked for is not done. One that somebody had sent again is decided about, and stays for its 30 days.
#[utoipa::path(
    delete, path = "/dead-letters/{id}", tag = "dead letters",
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The dead letter's id"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = Decided),
    )
)]
pub async fn delete(State(app): State<App>, command: Command<Delete, DeadLetter>) -> Answered<Response> {
    let answer = Answer::done(&Decided { dead_letter_id: command.target().id, state: "deleted" })?;
    let decision = DeleteDeadLetter::new(command.target());
    decide(&app, &command, decision, answer).await
}
