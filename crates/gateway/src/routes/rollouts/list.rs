//! `GET /upgrades`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::ReadRollouts;
use crate::{
    app::App,
    auth::Caller,
    http::{
        cursor::{Cursor, Page},
        request::Request as _,
    },
    problem::Answered,
    store::rollouts::{Rollout, page},
};

/// A page of rollouts, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolloutPage {
    data: Vec<Rollout>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the times that many tenants were to get a later release.
#[utoipa::path(
    get, path = "/upgrades", tag = "rollouts",
    security(("token" = ["admin", "operator"])),
    params(Page),
    responses(
        (status = 200, body = RolloutPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    _caller: Caller<ReadRollouts>,
    RawQuery(query): RawQuery,
) -> Answered<Json<RolloutPage>> {
    let asked = <Page>::of_query(query.as_deref(), &())?;
    let mut data = page(&app.statements, &asked).await?;
    let next_cursor = asked.cut(&mut data, |last| Cursor { at: last.created_at, id: last.id.uuid() });
    Ok(Json(RolloutPage { data, next_cursor }))
}
