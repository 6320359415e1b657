//! `GET /dead-letters`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::ReadDeadLetters;
use crate::{
    app::App,
    auth::Caller,
    http::{cursor::Cursor, request::Request},
    problem::Answered,
    store::dead_letters::{DeadLetter, Filter, page},
};

/// A page of dead letters, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterPage {
    data: Vec<DeadLetter>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the messages that could not be handled.
#[utoipa::path(
    get, path = "/dead-letters", tag = "dead letters",
    security(("token" = ["admin", "operator"])),
    params(Filter),
    responses(
        (status = 200, body = DeadLetterPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    _caller: Caller<ReadDeadLetters>,
    RawQuery(query): RawQuery,
) -> Answered<Json<DeadLetterPage>> {
    let filter = Filter::of_query(query.as_deref(), &())?;
    let mut data = page(&app.statements, &filter).await?;
    let next_cursor = filter.page.cut(&mut data, |last| Cursor { at: last.at, id: last.id.uuid() });
    Ok(Json(DeadLetterPage { data, next_cursor }))
}
