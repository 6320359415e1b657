//! `GET /keys`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Caller, Visible},
    http::{cursor::Cursor, request::Request},
    keys::KeysQuery,
    problem::Answered,
    store::keys::{ApiKey, page},
};

/// A page of keys, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyPage {
    data: Vec<ApiKey>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists keys.
///
/// Those of roles that may no more than yours, and of no tenants but yours. What proves a key is not shown.
#[utoipa::path(
    get, path = "/keys", tag = "keys",
    security(("token" = [])),
    params(KeysQuery),
    responses(
        (status = 200, body = KeyPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered<Json<KeyPage>> {
    let KeysQuery { state, page: asked } = KeysQuery::of_query(query.as_deref(), &())?;
    let visible = Visible::to(caller.identity());
    let mut data =
        page(&app.statements, &visible, state.as_ref().map(|state| state.as_str()), &asked).await?;
    let next_cursor = asked.cut(&mut data, |last| Cursor { at: last.created_at, id: last.id.uuid() });
    Ok(Json(KeyPage { data, next_cursor }))
}
