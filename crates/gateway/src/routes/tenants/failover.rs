//! `POST /tenants/{id}/failover`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::kinds::TenantFailover;

use super::{
    operate::{Accepted, operate_if},
    restore::loadable,
};
use crate::{
    app::App,
    auth::Command,
    commands::{Asked, For},
    idempotency::IdempotencyKey,
    problem::{Answered, Code, Problem},
    store::{failovers, operations, tenants::Tenant},
    tenants::{
        falling_back::{FailoverAsked, can_fall_back},
        promoting,
    },
};

/// What it is asked by.
type Asking = Asked<FailoverAsked, For<TenantFailover>, Tenant>;

/// Lets a tenant fall back from an n8n of its own into one that tenants share.
///
/// For one whose own n8n is lost, or cannot be brought back soon enough. Nothing of it is needed but what it had: its database, or, where that cannot be
/// read, its newest backup (`backup_id`: this one). Whatever of it still runs is stopped, and its calls are held, or get 503 with `Retry-After`, until it is
/// somebody in the shared n8n with the same workflows active. Executions, tags and whatever else does not come along is told by
/// `GET /tenants/{id}/failovers`; what is left of its own n8n is kept for 24 hours. Its people sign in as `GET /tenants/{id}/initial-login` says then. It
/// is `migrating` until the end; whatever goes wrong, it is where it was. The way back is a promotion.
///
/// Where no shared n8n of its cluster takes another one it is 409 `no_shared_n8n`.
#[utoipa::path(
    post, path = "/tenants/{id}/failover", tag = "tenants",
    request_body = FailoverAsked,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn failover(State(app): State<App>, asking: Asking) -> Answered<Response> {
    let Asked { command, body } = &asking;
    let possible = may_fall_back(&app, command, body).await;
    operate_if(&app, command, possible, (&body.request(), Some(&body.reason))).await
}

/// Whether there is something to bring back, and a place for it.
async fn may_fall_back(
    app: &App,
    command: &Command<For<TenantFailover>, Tenant>,
    asked: &FailoverAsked,
) -> Answered<()> {
    let tenant = command.target();
    promoting::is_a_customers(tenant)?;
    if operations::find_open(&app.statements, tenant.id, TenantFailover::KIND).await?.is_some() {
        return Ok(());
    }
    can_fall_back(tenant)?;
    if let Some(backup) = asked.backup_id {
        loadable(app, tenant, backup).await?;
    }
    if failovers::has_place(&app.statements, tenant.id).await? {
        return Ok(());
    }
    let detail = "No n8n that tenants share in the tenant's cluster takes another one: an administrator can add one (`rp9 shared create`).";
    Err(Problem::new(Code::NoSharedN8n).detail(detail))
}
