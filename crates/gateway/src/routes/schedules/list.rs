//! `GET /schedules`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    auth::{Access, Caller, Role},
    http::{
        cursor::{NameCursor, Page},
        query,
    },
    problem::{Answered, Problem},
    schedules::ScheduleView,
    store::schedules::page,
};

pub enum ReadSchedules {}

impl Access for ReadSchedules {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];
}

/// Which schedules to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_page")]
pub struct ScheduleQuery {
    /// 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of schedules, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchedulePage {
    data: Vec<ScheduleView>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists what is done again and again, when next, and what became of it last.
#[utoipa::path(
    get, path = "/schedules", tag = "schedules",
    security(("token" = ["admin", "operator", "service"])),
    params(ScheduleQuery),
    responses(
        (status = 200, body = SchedulePage),
    )
)]
pub async fn list(
    State(app): State<App>,
    _caller: Caller<ReadSchedules>,
    RawQuery(query): RawQuery,
) -> Answered<Json<SchedulePage>> {
    let asked = read_page(query.as_deref())?;
    let mut schedules = page(&app.statements, &asked).await?;
    let next_cursor = asked.cut(&mut schedules, |last| NameCursor(last.name.clone()));
    Ok(Json(SchedulePage { data: schedules.into_iter().map(ScheduleView::from).collect(), next_cursor }))
}

/// Reads the query, or tells everything that is wrong with it.
pub fn read_page(query: Option<&str>) -> Result<Page<NameCursor>, Problem> {
    let mut fields = query::read(query);
    let page = Page::read(&mut fields);
    fields.finish()?;
    Ok(page.unwrap_or_default())
}
