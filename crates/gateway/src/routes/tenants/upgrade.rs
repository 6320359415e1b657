//! `POST /tenants/{id}/upgrade`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::kinds::TenantUpgrade;

use super::operate::{Accepted, is_ours, nothing_to_do, operate};
use crate::{
    app::App,
    auth::{Command, absent},
    commands::For,
    http::request::Request,
    idempotency::IdempotencyKey,
    problem::{Answered, Code, Problem},
    store::{
        operations, sides,
        tenants::{self, Tenant},
    },
    tenants::upgrading::{self, Upgrade},
};

/// What an upgrade is asked by.
type Asking = Command<For<TenantUpgrade>, Tenant>;

/// Gives a tenant a later release of n8n.
///
/// First it is rehearsed while the tenant works on: a backup is made (`pre_upgrade`) and read back, loaded beside what the tenant has, and brought to the
/// later release's tables. Then the tenant stops and comes back with that release. Meanwhile its calls are held, and what is not held
/// gets 503 with `Retry-After`. Whatever goes wrong, it goes on with the release that it had.
///
/// With the strategy `blue_green` it does not stop: after the rehearsal a side of the later release is put beside it (`POST /tenants/{id}/blue-green`), which
/// answers 10, 50 and 100 of a hundred calls to webhooks, is compared with the former side at each of these, and takes its place. One that answers
/// more calls with an error (5 %), more slowly (500 ms), or with more executions that fail (10 %) gets none any more, and goes.
///
/// It is `migrating` until the end. A tenant that runs that release already does so: 200. An earlier one is 409, since n8n does not go back; so is
/// another one than that of an upgrade which is not over. Without a place for backups it is 422 `backups_off`.
#[utoipa::path(
    post, path = "/tenants/{id}/upgrade", tag = "tenants",
    request_body = Upgrade,
    security(("token" = ["admin", "operator", "service", "owner"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn upgrade(State(app): State<App>, command: Asking) -> Answered<Response> {
    let (upgrade, so) = match wanted(&app, &command).await {
        Ok(wanted) => wanted,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    if let Some(tenant) = so {
        return nothing_to_do(&app, &command, &tenant, upgrade.reason.as_ref()).await;
    }
    operate(&app, &command, &upgrade.request(), upgrade.reason.as_ref()).await
}

/// What is asked for; and the tenant, if it runs that, and nothing is about to make it one that cannot be upgraded.
async fn wanted(app: &App, command: &Asking) -> Answered<(Upgrade, Option<Tenant>)> {
    is_ours(app, command.target()).await?;
    upgrading::can_be_upgraded(command.target())?;
    let upgrade = Upgrade::of_body(command.body(), &())?;
    let (reader, tenant) = (app.reader(command.identity().scope()), command.target().id);
    // What it runs changes in the middle of one, and may change back.
    if operations::find_open(&app.statements, tenant, TenantUpgrade::KIND).await?.is_some() {
        return Ok((upgrade, None));
    }
    // Only now, in this order: what it runs is that of a moment at which nothing was under way.
    let tenant: Tenant = tenants::find(&reader, tenant).await?.ok_or_else(absent)?;
    let (to_be, _) = operations::status_to_be(&app.statements, tenant.id).await?.ok_or_else(absent)?;
    let sides = sides::of_tenant(&reader, tenant.id).await?.ok_or_else(absent)?;
    let could_be = TenantUpgrade::KIND.from.iter().any(|status| status.as_str() == to_be);
    let is_so = upgrading::is_so(&tenant.n8n_version, upgrade.n8n_version.version())?;
    if could_be && !is_so && app.backup_bucket.is_none() {
        return Err(Problem::new(Code::BackupsOff).detail(
            "A tenant is backed up before it is upgraded, and S3_BUCKET names no place for backups.",
        ));
    }
    if could_be
        && !is_so
        && let Some(detail) = sides.one_too_many()
    {
        return Err(Problem::new(Code::Conflict).detail(detail));
    }
    Ok((upgrade, Some(tenant).filter(|_| could_be && is_so)))
}
