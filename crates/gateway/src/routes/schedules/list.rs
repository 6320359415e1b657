//! `GET /schedules`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Caller, Role},
    http::{
        cursor::{NameCursor, Page},
        request::Request,
    },
    problem::Answered,
    store::schedules::{Schedule, page},
};

pub enum ReadSchedules {}

impl Access for ReadSchedules {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];
}

/// A page of schedules, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchedulePage {
    data: Vec<Schedule>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists what is done again and again, when next, and what became of it last.
#[utoipa::path(
    get, path = "/schedules", tag = "schedules",
    security(("token" = ["admin", "operator", "service"])),
    params(Page<NameCursor>),
    responses(
        (status = 200, body = SchedulePage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller<ReadSchedules>,
    RawQuery(query): RawQuery,
) -> Answered<Json<SchedulePage>> {
    let asked = Page::of_query(query.as_deref(), &())?;
    let mut data = page(&app.reader(caller.scope()), &asked).await?;
    let next_cursor = asked.cut(&mut data, |last| NameCursor(last.name.clone()));
    Ok(Json(SchedulePage { data, next_cursor }))
}
