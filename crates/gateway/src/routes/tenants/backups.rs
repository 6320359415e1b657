//! `POST /tenants/{id}/backup` and `GET /tenants/{id}/backups`

use axum::{
    Json,
    extract::{RawQuery, State},
    response::Response,
};
use common::{
    id::{BackupId, OperationId},
    operations::NewOperation,
    tenant::Mode,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::{backups::folder, kinds::TenantBackup};

use super::operate::not_accepted;
use crate::{
    app::App,
    auth::TenantOf,
    backups::{BackupAsked, BackupView},
    commands::{self, Asked, For},
    http::{cursor::Cursor, request::Request},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    store::{
        accept::asked,
        backups::{Filter, page},
        external,
        tenants::Tenant,
    },
    tenants::words::Reason,
};

/// A backup that will be made.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupAccepted {
    ok: bool,
    #[schema(value_type = String, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: BackupId,
    /// Where it will be.
    #[schema(
        example = "s3://rp9-backups/tenants/ten_0198c0de0000700080000000000000aa/backups/20261128T020000Z-000000dd/"
    )]
    path: String,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
}

/// Makes a backup of a tenant.
///
/// It is of one moment, while the tenant works on; it counts once all of it was read back from the store. Asked again it is another one, made
/// after the first.
///
/// Of a tenant that shares an n8n its part alone is copied: every row that is its own, and nothing of anybody else's, with its credentials under a key
/// that is made for this backup. What is left out, and why, is in `not_included`. In an n8n that the platform does not run it is 422 `shared_tenant`.
#[utoipa::path(
    post, path = "/tenants/{id}/backup", tag = "backups",
    request_body = Option<BackupAsked>,
    security(("token" = ["admin", "operator", "service", "owner"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = BackupAccepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn make(
    State(app): State<App>,
    Asked { command, body }: Asked<BackupAsked, For<TenantBackup>, Tenant>,
) -> Answered<Response> {
    let (request, bucket) = match wanted(&app, command.target(), &body).await {
        Ok(wanted) => wanted,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let (tenant, operation) = (command.target().id, OperationId::generate());
    let path = format!("s3://{bucket}/{}/", folder(tenant, request.backup));
    let accepted = BackupAccepted { ok: true, backup_id: request.backup, path, operation_id: operation };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &accepted)?;
    let reason = body.reason.as_ref().map(Reason::as_str);
    let new = NewOperation::of(operation, &tenant, &request, asked(&command, reason));
    match commands::accept(&app, &command, &new, answer).await? {
        Some(answer) => Ok(answer),
        None => not_accepted(&app, &command, &request, reason).await,
    }
}

async fn wanted<'a>(app: &'a App, tenant: &Tenant, body: &BackupAsked) -> Answered<(TenantBackup, &'a str)> {
    if tenant.the_platforms_own {
        return Err(Problem::new(Code::Conflict)
            .detail("It is nobody's data: the platform's own is kept with its record."));
    }
    if tenant.mode.0 == Mode::Shared && external::of_tenant(&app.statements, tenant.id).await?.is_some() {
        let detail =
            "It shares an n8n that the platform does not run: whoever runs that one backs up its database.";
        return Err(Problem::new(Code::SharedTenant).detail(detail));
    }
    let off = || Problem::new(Code::BackupsOff).detail("S3_BUCKET names no place for backups.");
    let bucket = app.backup_bucket.as_deref().ok_or_else(off)?;
    Ok((body.request()?, bucket))
}

/// A page of backups, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupPage {
    data: Vec<BackupView>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists a tenant's backups.
#[utoipa::path(
    get, path = "/tenants/{id}/backups", tag = "backups",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain"), Filter),
    responses(
        (status = 200, body = BackupPage),
    )
)]
pub async fn list(
    State(app): State<App>,
    of: TenantOf,
    RawQuery(query): RawQuery,
) -> Answered<Json<BackupPage>> {
    let filter = Filter::of_query(query.as_deref(), &())?;
    let mut data = page(&app.reader(of.identity().scope()), of.tenant.id, &filter).await?;
    let next_cursor = filter.page.cut(&mut data, |last| Cursor { at: last.created_at, id: last.id.uuid() });
    Ok(Json(BackupPage { data: data.into_iter().map(BackupView::from).collect(), next_cursor }))
}
