//! `GET /tenants/{id}/usage`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use common::{clock, tenant::HOURS_KEPT};
use jiff::Timestamp;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::Data;
use crate::{
    app::App,
    auth::TenantOf,
    http::request::{Request, request},
    problem::{Answered, FieldError, Pointer, Problem},
    store::usage::{self, Asked},
    tenants::{Measures, Period, Resolution, UsageByKind, UsageInterval, Zone, intervals},
};

request! {
    /// Of which time, how finely, and on whose clocks.
    pub struct UsageQuery: Request {
        /// A year, a month or a day; the present month when absent.
        period: Option<Period>,
        /// `day` when absent; `hour` for a month at most.
        resolution: Option<Resolution>,
        /// Whose calendar it is: an IANA name; UTC, by which limits and bills go, when absent.
        time_zone: Option<Zone>,
    }
}

/// How much a tenant used. Executions are counted in the hour in which they began.
#[derive(Debug, Serialize, ToSchema)]
pub struct Usage {
    #[serde(with = "rfc3339")]
    from: OffsetDateTime,
    /// The first moment that is not in it any more.
    #[serde(with = "rfc3339")]
    until: OffsetDateTime,
    #[schema(example = "day")]
    resolution: &'static str,
    /// Those that count for limits and bills: `total.production.executions`.
    billable_executions: i64,
    /// How many of them its plan has in a month.
    executions_per_month: i32,
    total: UsageByKind,
    #[serde(flatten)]
    measures: Measures,
    /// In their order; those of which nothing is known are left out.
    intervals: Vec<UsageInterval>,
}

/// How much a tenant used: executions by their kind, calls and storage.
///
/// What n8n prunes, does not save or deletes with its workflow is in it all the same. It is as of a minute ago. Hours and days are known for 400
/// days; what was before is told by whole months in UTC (`resolution=month`), and anything finer of it refused with `not_kept`.
#[utoipa::path(
    get, path = "/tenants/{id}/usage", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain"), UsageQuery),
    responses(
        (status = 200, body = Data<Usage>),
    )
)]
pub async fn usage(
    State(app): State<App>,
    of: TenantOf,
    RawQuery(query): RawQuery,
) -> Answered<Json<Data<Usage>>> {
    let UsageQuery { period, resolution, time_zone } = UsageQuery::of_query(query.as_deref(), &())?;
    let (zone, resolution) = (time_zone.unwrap_or_default(), resolution.unwrap_or_default());
    let period = period.unwrap_or_else(|| Period::present(&zone, Timestamp::now()));
    if !resolution.suits(period) {
        return Err(refused("resolution", "too_fine", "hours are told for a month at most"));
    }
    let (from, until) = period
        .bounds(&zone)
        .ok_or_else(|| refused("period", "invalid_period", "is no time of that calendar"))?;
    let asked = Asked {
        tenant: of.tenant.id,
        from,
        until,
        hours_from: hours_from(&of, period, resolution, &zone, from)?,
    };
    let reader = app.reader(of.identity().scope());
    let (hours, measured) = (usage::hours(&reader, &asked).await?, usage::measured(&reader, &asked).await?);
    let total = UsageByKind::of(&hours);
    Ok(Json(Data {
        data: Usage {
            from,
            until,
            resolution: resolution.as_str(),
            billable_executions: total.billable(),
            executions_per_month: of.tenant.executions_per_month,
            total,
            measures: Measures::of(&measured),
            intervals: intervals(&hours, &measured, resolution, &zone),
        },
    }))
}

/// Of who was not there yet, nothing was forgotten.
fn hours_from(
    of: &TenantOf,
    period: Period,
    resolution: Resolution,
    zone: &Zone,
    from: OffsetDateTime,
) -> Result<OffsetDateTime, Problem> {
    let forgotten = clock::now() - HOURS_KEPT;
    if of.tenant.created_at >= forgotten {
        return Ok(from);
    }
    let not_kept = "of so long ago whole months are known and no more: resolution=month, in UTC";
    let hours_from = resolution.hours_from(period, zone, from, forgotten);
    hours_from.ok_or_else(|| refused("resolution", "not_kept", not_kept))
}

fn refused(field: &str, code: &'static str, detail: &str) -> Problem {
    Problem::fields(vec![FieldError::new(Pointer::to(field), code, detail)])
}
