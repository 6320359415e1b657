//! `POST /tenants/{id}/promote`

use std::time::Duration;

use axum::{extract::State, response::Response};
use common::{
    clock,
    id::{OperationId, PromotionId},
    operations::{NewOperation, Request as _},
    tenant::Mode,
};
use http::StatusCode;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;
use wire::kinds::TenantPromote;

use super::operate::{asked_otherwise, not_accepted};
use crate::{
    app::App,
    auth::{Command, absent},
    commands::{self, Asked, For},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    store::{
        accept::{Moot, asked},
        external,
        promotions::{self, Usual},
        room,
        tenants::{self, Tenant},
    },
    tenants::{
        promoting::{self, PromotionAsked, PromotionPlan},
        words::Reason,
    },
};

/// What it is taken to last as long as nobody knows better.
const USUAL: Duration = Duration::from_secs(10 * 60);

/// What a promotion is asked by.
type Asking = Asked<PromotionAsked, For<TenantPromote>, Tenant>;

/// The promotion that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Promoting {
    #[schema(value_type = String, example = "pro_0198c0de0000700080000000000000ee")]
    promotion_id: PromotionId,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    /// By what promotions took lately; no promise.
    #[serde(with = "rfc3339")]
    estimated_completion: OffsetDateTime,
    plan: PromotionPlan,
    /// Whether it was under way before this request.
    already: bool,
}

/// Moves a tenant out of the n8n that it shares into one of its own.
///
/// Everything is backed up and copied while the tenant works on, and n8n is tried on the copy. Then it stops for as long as it takes to copy what
/// there is by now, and to start: its calls are held, and what is not held gets 503 with `Retry-After`. Addresses, ids, workflows and which
/// of them are active, credentials and data stay what they are. Whatever goes wrong, or takes longer than `ttl_minutes`, it goes on where it was.
///
/// With a `window` it begins then, and fails where it cannot begin within it; until then the tenant stays as it is, and whatever else is asked for is
/// done to it. From its beginning it is `migrating` until the end. Asked again with the same meanwhile, it is the same promotion. A tenant that has an n8n of its own is 409; one
/// that shares an n8n which the platform does not run is moved by hand (422 `shared_tenant`). Without a place for backups it is 422 `backups_off`.
#[utoipa::path(
    post, path = "/tenants/{id}/promote", tag = "tenants",
    request_body = Option<PromotionAsked>,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Promoting, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn promote(State(app): State<App>, asking: Asking) -> Answered<Response> {
    match begin(&app, &asking).await {
        Ok(answer) => Ok(answer),
        // What was accepted before may be what makes it impossible now.
        Err(problem) => asking.command.repeat_or(&app.statements, problem).await,
    }
}

async fn begin(app: &App, asking: &Asking) -> Answered<Response> {
    let Asked { command, body } = asking;
    promoting::is_a_customers(command.target())?;
    if let Some(answer) = joined(app, asking).await? {
        return Ok(answer);
    }
    let (request, operation) = (body.request(PromotionId::generate()), OperationId::generate());
    promoting::can_begin(&request)?;
    can_be_promoted(app, command).await?;
    let usual = promotions::usual(&app.statements).await?;
    let promoting = Promoting {
        promotion_id: request.promotion,
        operation_id: operation,
        estimated_completion: begins(&request, clock::now()) + lasts(&usual),
        plan: PromotionPlan::by(&usual),
        already: false,
    };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &promoting)?;
    let reason = body.reason.as_ref().map(Reason::as_str);
    let mut new = NewOperation::of(operation, &command.target().id, &request, asked(command, reason));
    new.not_before = request.window.map(|window| window.from);
    if let Some(answer) = commands::accept(app, command, &new, answer).await? {
        return Ok(answer);
    }
    // Somebody may have asked for it at the same moment.
    match joined(app, asking).await? {
        Some(answer) => Ok(answer),
        None => not_accepted(app, command, &request, reason).await,
    }
}

/// When it may begin.
fn begins(request: &TenantPromote, asked_at: OffsetDateTime) -> OffsetDateTime {
    request.window.map_or(asked_at, |window| window.from.max(asked_at))
}

/// The answer of one that is under way, if it was asked for with the same.
async fn joined(app: &App, Asked { command, body }: &Asking) -> Answered<Option<Response>> {
    let tenant = command.target().id;
    let Some(open) = promotions::find_open(&app.statements, tenant).await? else { return Ok(None) };
    let request = body.request(open.id);
    if !promoting::is_the_same(&request, &open) {
        return Err(asked_otherwise(TenantPromote::KIND.name, open.operation_id, open.in_window.as_deref()));
    }
    let usual = promotions::usual(&app.statements).await?;
    let promoting = Promoting {
        promotion_id: open.id,
        operation_id: open.operation_id,
        estimated_completion: (begins(&request, open.asked_at) + lasts(&usual)).max(clock::now()),
        plan: PromotionPlan::by(&usual),
        already: true,
    };
    let location = format!("/operations/{}", open.operation_id);
    let answer = Answer::json(StatusCode::ACCEPTED, location, &promoting)?;
    let reason = body.reason.as_ref().map(Reason::as_str);
    let moot = Moot { tenant, operation: Some(open.operation_id), reason };
    commands::nothing_to_do(app, command, &moot, answer).await.map(Some)
}

/// Whether it shares an n8n out of which it can be moved. Read anew: where it lives is that of a moment at which no promotion was under way.
async fn can_be_promoted(app: &App, command: &Command<For<TenantPromote>, Tenant>) -> Answered<()> {
    let reader = app.reader(command.identity().scope());
    let tenant: Tenant = tenants::find(&reader, command.target().id).await?.ok_or_else(absent)?;
    if tenant.mode.0 == Mode::Dedicated {
        return Err(Problem::new(Code::Conflict).detail("The tenant has an n8n of its own already."));
    }
    if external::of_tenant(&app.statements, tenant.id).await?.is_some() {
        let detail = "The tenant shares an n8n that the platform does not run: it is moved by hand.";
        return Err(Problem::new(Code::SharedTenant).detail(detail));
    }
    if app.backup_bucket.is_none() {
        return Err(Problem::new(Code::BackupsOff)
            .detail("A tenant is backed up before it is moved, and S3_BUCKET names no place for backups."));
    }
    let wanted = room::wanted(&app.statements, &tenant.plan).await?;
    let around = room::around(&app.statements, tenant.id).await?;
    let lacking = wanted
        .zip(around)
        .and_then(|(wanted, around)| promoting::obstacle(&tenant.plan, &wanted, &around.room));
    lacking.map_or(Ok(()), Err)
}

fn lasts(usual: &Usual) -> Duration {
    usual.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(USUAL)
}
