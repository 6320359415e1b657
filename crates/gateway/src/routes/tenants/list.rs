//! `GET /tenants`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::Caller,
    http::{cursor::Cursor, request::Request},
    problem::Answered,
    store::tenants::{Tenant, page},
    tenants::{Filter, TenantView},
};

/// A page of tenants, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantPage {
    data: Vec<TenantView>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the tenants that the caller can see.
#[utoipa::path(
    get, path = "/tenants", tag = "tenants",
    security(("token" = [])),
    params(Filter),
    responses(
        (status = 200, body = TenantPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered<Json<TenantPage>> {
    let filter = Filter::of_query(query.as_deref(), &*app.offers.now(&app.statements).await?)?;
    let mut tenants = page(&app.reader(caller.scope()), &filter).await?;
    let cursor = |last: &Tenant| Cursor { at: last.created_at, id: last.id.uuid() };
    let next_cursor = filter.page.cut(&mut tenants, cursor);
    let data = tenants.into_iter().map(|tenant| TenantView::new(tenant, &app.public)).collect();
    Ok(Json(TenantPage { data, next_cursor }))
}
