//! `GET /audit`

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    audit::Filter,
    auth::{Access, Caller, Role},
    http::{cursor::Cursor, request::Request},
    problem::Answered,
    store::audit::{AuditEntry, page},
    tenants::TenantName,
};

pub enum ReadAudit {}

impl Access for ReadAudit {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
}

/// A page of entries, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    data: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists who asked for what, and what came of it.
#[utoipa::path(
    get, path = "/audit", tag = "audit",
    security(("token" = ["admin", "operator"])),
    params(Filter),
    responses(
        (status = 200, body = AuditPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller<ReadAudit>,
    RawQuery(query): RawQuery,
) -> Answered<Json<AuditPage>> {
    let filter = Filter::of_query(query.as_deref(), &())?;
    let tenant = TenantName::id_of(filter.tenant.as_ref(), &app.reader(caller.scope())).await?;
    let mut data = page(&app.statements, &filter, tenant).await?;
    let next_cursor = filter.page.cut(&mut data, |last| Cursor { at: last.at, id: last.id.uuid() });
    Ok(Json(AuditPage { data, next_cursor }))
}
