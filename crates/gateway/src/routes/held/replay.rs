//! `POST /held/{receipt}/replay` and `POST /tenants/{id}/held/replay`

use axum::{extract::State, response::Response};
use common::id::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::{
        held::HeldCall,
        steer::{ReplayHeldCall, ReplayHeldCalls},
        tenants::Tenant,
    },
    vocabulary,
};

/// A call that is delivered again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedCall {
    receipt: Uuid,
    #[schema(value_type = vocabulary::HeldState)]
    state: &'static str,
}

/// Delivers a held call again that came to nothing.
///
/// It may have run before: its workflow is told the how many-th delivery it is (`rp9-delivery`). It goes before calls of the same path that came later
/// and are still held, is tried as often as one that has just come, and keeps its receipt.
#[utoipa::path(
    post, path = "/held/{receipt}/replay", tag = "held calls",
    request_body = Option<OptionalReasonBody>,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("receipt" = String, Path, description = "The receipt"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = ReplayedCall),
    )
)]
pub async fn replay(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, ReplayHeldCall, HeldCall>,
) -> Answered<Response> {
    let replay = ReplayHeldCall::new(command.target(), body.reason.as_ref());
    let answer = Answer::done(&ReplayedCall { receipt: command.target().receipt, state: "held" })?;
    commands::steered(&app, &command, &replay, answer).await
}

/// A tenant whose calls are delivered again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedCalls {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    #[schema(value_type = vocabulary::HeldState)]
    state: &'static str,
}

/// Delivers all of a tenant's held calls again that came to nothing.
///
/// Each as by `POST /held/{receipt}/replay`, the earliest first, as far as there is room among what is held for the tenant: asked again later, the rest.
#[utoipa::path(
    post, path = "/tenants/{id}/held/replay", tag = "held calls",
    request_body = Option<OptionalReasonBody>,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = ReplayedCalls),
    )
)]
pub async fn replay_all(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, ReplayHeldCalls, Tenant>,
) -> Answered<Response> {
    let replay = ReplayHeldCalls { tenant: command.target().id, reason: body.reason };
    let answer = Answer::done(&ReplayedCalls { tenant_id: command.target().id, state: "held" })?;
    commands::steered(&app, &command, &replay, answer).await
}
