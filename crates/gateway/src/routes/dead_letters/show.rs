//! `GET /dead-letters/{id}`

use axum::{Json, extract::FromRequestParts};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::ReadDeadLetters;
use crate::{
    app::App,
    auth::{Caller, Target},
    problem::{Answered, Problem},
    store::dead_letters::DeadLetter,
};

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterAnswer {
    data: DeadLetter,
}

/// The one that the path names, for those who may see it.
pub struct Shown(DeadLetter);

impl FromRequestParts<App> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::<ReadDeadLetters>::from_request_parts(parts, app).await?;
        DeadLetter::find(app, caller.scope(), parts).await.map(Self)
    }
}

/// Shows one message that could not be handled.
#[utoipa::path(
    get, path = "/dead-letters/{id}", tag = "dead letters",
    security(("token" = ["admin", "operator"])),
    params(("id" = String, Path, description = "The dead letter's id")),
    responses(
        (status = 200, body = DeadLetterAnswer),
    )
)]
pub async fn show(Shown(letter): Shown) -> Answered<Json<DeadLetterAnswer>> {
    Ok(Json(DeadLetterAnswer { data: letter }))
}
