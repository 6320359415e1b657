//! `GET /tenants/{id}/events`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use common::id::OperationId;
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    auth::TenantOf,
    http::{
        cursor::{Cursor, Page},
        fields::Fault,
        query,
    },
    problem::{Answered, Problem},
    store::history::{self, Happened},
};

const USUAL_HOURS: i32 = 24;
/// As long as events are kept.
const MOST_HOURS: i32 = 7 * 24;

/// How far back to look.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_query")]
pub struct EventsQuery {
    /// 1 to 168; 24 when absent.
    #[param(minimum = 1, maximum = 168)]
    hours: Option<u8>,
    /// 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Something that happened to a tenant, or was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantEvent)]
pub struct TenantEventView {
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// As in `/events`; `audit.` and an action for what was asked for, which its owners are not shown.
    #[schema(example = "operation.succeeded")]
    kind: String,
    #[schema(value_type = Option<String>)]
    operation_id: Option<OperationId>,
    #[schema(value_type = Object)]
    data: Value,
}

/// A page of events, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantEventPage {
    data: Vec<TenantEventView>,
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
    let (hours, page) = read_query(query.as_deref())?;
    let reader = app.reader(of.identity().scope());
    let mut happened = history::page(&reader, of.tenant.id, hours, &page).await?;
    let next_cursor = page.cut(&mut happened, |last| Cursor { at: last.at, id: last.id });
    let view =
        |Happened { at, kind, operation_id, data, .. }| TenantEventView { at, kind, operation_id, data };
    Ok(Json(TenantEventPage { data: happened.into_iter().map(view).collect(), next_cursor }))
}

fn read_query(query: Option<&str>) -> Result<(i32, Page), Problem> {
    let mut fields = query::read(query);
    let hours = fields.optional("hours", |text| {
        let hours = text.parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
        hours.ok_or_else(|| Fault::new("invalid_hours", format!("must be a number from 1 to {MOST_HOURS}")))
    });
    let page = Page::read(&mut fields);
    fields.finish()?;
    Ok((hours.flatten().unwrap_or(USUAL_HOURS), page.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_when_nobody_says_how_far_back_and_a_week_at_most() {
        assert_eq!(read_query(None).unwrap().0, 24);
        assert_eq!(read_query(Some("hours=168")).unwrap().0, 168);
        for wrong in ["hours=0", "hours=169", "hours=-1", "hours=x", "days=1"] {
            assert!(read_query(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
