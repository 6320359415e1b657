//! `GET /tenants/{id}/events`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::TenantOf,
    http::{
        cursor::{Cursor, Page},
        fields::{Fault, Text},
        request::{Request, request},
    },
    problem::Answered,
    store::history::{self, TenantEvent},
};

const USUAL_HOURS: i32 = 24;
/// As long as events are kept.
const MOST_HOURS: i32 = 7 * 24;

request! {
    /// How far back to look.
    pub struct EventsQuery: Request {
        /// 1 to 168; 24 when absent.
        hours: Option<Hours>,
        ..page: Page,
    }
}

/// How far back.
#[derive(Debug, PartialEq, Eq)]
pub struct Hours(i32);

impl Text for Hours {
    fn parse(text: &str) -> Result<Self, Fault> {
        let hours = text.parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
        let fault = || Fault::new("invalid_hours", format!("must be a number from 1 to {MOST_HOURS}"));
        hours.map(Self).ok_or_else(fault)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": MOST_HOURS })
    }
}

/// A page of events, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantEventPage {
    data: Vec<TenantEvent>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// What happened to a tenant lately, the newest first.
///
/// Its life, its operations with their steps, and, for those who run the platform, what was asked for in its audit log.
#[utoipa::path(
    get, path = "/tenants/{id}/events", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain"), EventsQuery),
    responses(
        (status = 200, body = TenantEventPage),
    )
)]
pub async fn events(
    State(app): State<App>,
    of: TenantOf,
    RawQuery(query): RawQuery,
) -> Answered<Json<TenantEventPage>> {
    let EventsQuery { hours, page } = EventsQuery::of_query(query.as_deref(), &())?;
    let hours = hours.map_or(USUAL_HOURS, |Hours(hours)| hours);
    let reader = app.reader(of.identity().scope());
    let mut data = history::page(&reader, of.tenant.id, hours, &page).await?;
    let next_cursor = page.cut(&mut data, |last| Cursor { at: last.at, id: last.id });
    Ok(Json(TenantEventPage { data, next_cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_when_nobody_says_how_far_back_and_a_week_at_most() {
        let hours = |query| EventsQuery::of_query(query, &()).map(|query| query.hours);
        assert_eq!(hours(None).unwrap(), None);
        assert_eq!(hours(Some("hours=168")).unwrap(), Some(Hours(168)));
        for wrong in ["hours=0", "hours=169", "hours=-1", "hours=x", "days=1"] {
            assert!(hours(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
