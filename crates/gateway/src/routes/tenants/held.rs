//! `GET /tenants/{id}/held`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::TenantOf,
    http::{
        cursor::Page,
        one_of::OneOf,
        request::{Request, request},
    },
    problem::Answered,
    store::held::{self, HeldCall},
    vocabulary,
};

request! {
    /// Which held calls to list.
    pub struct HeldFilter: Request {
        /// One state.
        state: Option<OneOf<vocabulary::HeldState>>,
        ..page: Page,
    }
}

/// A page of calls, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldPage {
    data: Vec<HeldCall>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the calls that came while the tenant could take none, and what became of them within a week.
///
/// Not their paths, headers and bodies: those are between the caller and the tenant.
#[utoipa::path(
    get, path = "/tenants/{id}/held", tag = "held calls",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain"), HeldFilter),
    responses(
        (status = 200, body = HeldPage),
    )
)]
pub async fn list_held(
    State(app): State<App>,
    of: TenantOf,
    RawQuery(query): RawQuery,
) -> Answered<Json<HeldPage>> {
    let filter = HeldFilter::of_query(query.as_deref(), &())?;
    let asked = (filter.state.as_ref().map(OneOf::as_str), &filter.page);
    let mut data = held::page(&app.statements, of.tenant.id, asked).await?;
    let next_cursor = filter.page.cut(&mut data, HeldCall::cursor);
    Ok(Json(HeldPage { data, next_cursor }))
}
