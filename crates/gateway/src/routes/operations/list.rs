//! `GET /operations`

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
    operations::{OperationSummary, read_filter},
    problem::Answered,
    store::operations::{Operation, page},
    tenants::TenantName,
};

/// Which operations to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; it is read by read_filter")]
pub struct OperationQuery {
    /// One status.
    status: Option<String>,
    /// One kind, such as `tenant.create`.
    kind: Option<String>,
    /// One tenant's id or subdomain.
    tenant: Option<String>,
    /// 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

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
    params(OperationQuery),
    responses(
        (status = 200, body = OperationPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered<Json<OperationPage>> {
    let (filter, role) = (read_filter(query.as_deref())?, caller.identity().role());
    let tenant = TenantName::id_of(filter.tenant.as_ref(), &app.reader(caller.scope())).await?;
    let mut operations = page(&app.reader(caller.scope()), &filter, tenant).await?;
    let cursor = |last: &Operation| Cursor { at: last.created_at, id: last.id.uuid() };
    let next_cursor = filter.page.cut(&mut operations, cursor);
    let data = operations.into_iter().map(|operation| OperationSummary::new(operation, role)).collect();
    Ok(Json(OperationPage { data, next_cursor }))
}
