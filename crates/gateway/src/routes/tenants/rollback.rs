//! `POST /tenants/{id}/rollback`

use axum::{extract::State, response::Response};
use common::{clock, operations::Request as _};
use wire::kinds::TenantRollback;

use super::operate::{Accepted, operate_if};
use crate::{
    app::App,
    auth::Command,
    commands::{Asked, For},
    idempotency::IdempotencyKey,
    problem::{Answered, Code, Problem},
    store::{operations, promotions, tenants::Tenant},
    tenants::{
        going_back::{RollbackAsked, too_late},
        promoting,
    },
};

/// What it is asked by.
type Asking = Asked<RollbackAsked, For<TenantRollback>, Tenant>;

/// Moves a tenant back into the n8n that it shared before a promotion.
///
/// What it had there is kept for 24 hours after the promotion (`retire_at`): until then it can go back, and later it is 409. Its own n8n is backed up
/// first. Then its calls are held, or get 503 with `Retry-After`, until it is where it was, with the same workflows active, unless they were switched
/// off since. What it made and changed in its own n8n is not carried back: `GET /tenants/{id}/promotions` names it, and the backup has it. It is
/// `migrating` until the end; whatever goes wrong, it goes on in its own n8n. Without a place for backups it is 422 `backups_off`.
#[utoipa::path(
    post, path = "/tenants/{id}/rollback", tag = "tenants",
    request_body = RollbackAsked,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn rollback(State(app): State<App>, asking: Asking) -> Answered<Response> {
    let Asked { command, body } = &asking;
    let possible = can_go_back(&app, command, body).await;
    operate_if(&app, command, possible, (&body.request(), body.reason.as_ref())).await
}

/// Whether that promotion moved the tenant, and what it had is still there.
async fn can_go_back(
    app: &App,
    command: &Command<For<TenantRollback>, Tenant>,
    asked: &RollbackAsked,
) -> Answered<()> {
    let tenant = command.target();
    promoting::is_a_customers(tenant)?;
    if operations::find_open(&app.statements, tenant.id, TenantRollback::KIND).await?.is_some() {
        return Ok(());
    }
    let found = promotions::find(&app.statements, tenant.id, asked.promotion_id).await?;
    let none = || Problem::new(Code::NotFound).detail("The tenant has no such promotion.");
    if let Some(why) = too_late(&found.ok_or_else(none)?, clock::now()) {
        return Err(Problem::new(Code::Conflict).detail(why));
    }
    if app.backup_bucket.is_none() {
        return Err(Problem::new(Code::BackupsOff).detail(
            "A tenant's own n8n is backed up before it goes back, and S3_BUCKET names no place for backups.",
        ));
    }
    Ok(())
}
