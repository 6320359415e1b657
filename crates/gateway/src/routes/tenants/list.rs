//! `GET /tenants`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    auth::Caller,
    http::cursor::Cursor,
    problem::Answered,
    store::tenants::{Tenant, page},
    tenants::{TenantView, read_filter},
};

/// Which tenants to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_filter")]
pub struct ListQuery {
    /// `shared` or `dedicated`.
    mode: Option<String>,
    /// One status; without it every tenant that is not deleted.
    status: Option<String>,
    plan: Option<String>,
    cluster: Option<String>,
    /// Part of a name, an e-mail address or a subdomain; in any case, with or without accents.
    q: Option<String>,
    /// 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

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
    params(ListQuery),
    responses(
        (status = 200, body = TenantPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered<Json<TenantPage>> {
    let filter = read_filter(query.as_deref(), &*app.offers.now(&app.statements).await?)?;
    let mut tenants = page(&app.reader(caller.scope()), &filter).await?;
    let cursor = |last: &Tenant| Cursor { at: last.created_at, id: last.id.uuid() };
    let next_cursor = filter.page.cut(&mut tenants, cursor);
    let data = tenants.into_iter().map(|tenant| TenantView::new(tenant, &app.public)).collect();
    Ok(Json(TenantPage { data, next_cursor }))
}
