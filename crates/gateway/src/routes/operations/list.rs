//! `GET /operations`

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
    operations::{Filter, OperationSummary},
    problem::Answered,
    store::operations::{Operation, page},
    tenants::TenantName,
};

/// A page of operations, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationPage {
    data: Vec<OperationSummary>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists the operations on the tenants that the caller can see.
#[utoipa::path(
    get, path = "/operations", tag = "operations",
    security(("token" = [])),
    params(Filter),
    responses(
        (status = 200, body = OperationPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered<Json<OperationPage>> {
    let (filter, role) = (Filter::of_query(query.as_deref(), &())?, caller.identity().role());
    let tenant = TenantName::id_of(filter.tenant.as_ref(), &app.reader(caller.scope())).await?;
    let mut operations = page(&app.reader(caller.scope()), &filter, tenant).await?;
    let cursor = |last: &Operation| Cursor { at: last.created_at, id: last.id.uuid() };
    let next_cursor = filter.page.cut(&mut operations, cursor);
    let data = operations.into_iter().map(|operation| OperationSummary::new(operation, role)).collect();
    Ok(Json(OperationPage { data, next_cursor }))
}
