//! `GET /sandboxes`

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
    sandboxes::{Filter, SandboxView},
    store::sandboxes::{Sandbox, page},
    tenants::TenantName,
};

/// A page of sandboxes, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SandboxPage {
    data: Vec<SandboxView>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the sandboxes of the tenants that the caller can see.
#[utoipa::path(
    get, path = "/sandboxes", tag = "sandboxes",
    security(("token" = [])),
    params(Filter),
    responses(
        (status = 200, body = SandboxPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered<Json<SandboxPage>> {
    let (filter, reader) = (Filter::of_query(query.as_deref(), &())?, app.reader(caller.scope()));
    let tenant = TenantName::id_of(filter.tenant.as_ref(), &reader).await?;
    let mut sandboxes = page(&reader, tenant, &filter.page).await?;
    let cursor = |last: &Sandbox| Cursor { at: last.created_at, id: last.id.uuid() };
    let next_cursor = filter.page.cut(&mut sandboxes, cursor);
    let data = sandboxes.into_iter().map(|sandbox| SandboxView::new(sandbox, &app.public)).collect();
    Ok(Json(SandboxPage { data, next_cursor }))
}
