//! `/dead-letters`

pub mod delete;
pub mod list;
pub mod replay;
pub mod show;

use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use common::id::{DeadLetterId, OperationId, TenantId};
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Command, Role, absent_dead_letter},
    commands,
    http::fields::Fields,
    idempotency::Answer,
    problem::Answered,
    store::{
        dead_letters::{self, DeadLetter},
        steer::Steering,
    },
    vocabulary,
};

pub enum ReadDeadLetters {}

impl Access for ReadDeadLetters {
    const ROLES: &'static [Role] = DECIDERS;
}

/// Those who look into what went wrong.
const DECIDERS: &[Role] = &[Role::Admin, Role::Operator];

/// A message that could not be handled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    #[schema(value_type = String, example = "dl_0198c0de0000700080000000000000cc")]
    id: DeadLetterId,
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// Who could not handle it.
    #[schema(example = "provisioner")]
    service: String,
    #[schema(example = "rp9.cmd.v1.provisioner.normal.submit_operation")]
    subject: String,
    /// `malformed`, `unknown` (a sort or version nobody here knows), `expired`, `exhausted` or `refused`.
    #[schema(value_type = vocabulary::DeadLetterReason)]
    reason: String,
    detail: String,
    /// How often it was delivered.
    attempts: i32,
    #[serde(with = "rfc3339")]
    published_at: OffsetDateTime,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    #[schema(value_type = Option<String>)]
    operation_id: Option<OperationId>,
    /// `waiting` for somebody to decide, `replaying`, or `replayed`.
    #[schema(value_type = vocabulary::DeadLetterState)]
    state: String,
    #[serde(with = "rfc3339::option")]
    replayed_at: Option<OffsetDateTime>,
    /// As they came with it.
    #[schema(value_type = Object)]
    headers: Value,
    payload_base64: String,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id,
            at: letter.at,
            service: letter.service,
            subject: letter.subject,
            reason: letter.reason,
            detail: letter.detail,
            attempts: letter.attempts,
            published_at: letter.published_at,
            tenant_id: letter.tenant_id,
            operation_id: letter.operation_id,
            state: letter.state,
            replayed_at: letter.replayed_at,
            headers: letter.headers,
            payload_base64: STANDARD.encode(letter.payload),
        }
    }
}

/// What was decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decided {
    #[schema(value_type = String, example = "dl_0198c0de0000700080000000000000cc")]
    dead_letter_id: DeadLetterId,
    /// `replaying` or `deleted`.
    #[schema(value_type = vocabulary::Decision)]
    state: &'static str,
}

/// Does what was decided, or says who was quicker. It takes no fields, so any that come are refused.
async fn decide<A, S: Steering<Target = DeadLetter>>(
    app: &App,
    command: &Command<A, DeadLetter>,
    decision: S,
    answer: Answer,
) -> Answered<Response> {
    Fields::of_body(command.body())?.finish()?;
    if let Some(answer) = commands::steer(app, command, &decision, answer).await? {
        app.replays.notify_one();
        return Ok(answer);
    }
    // Read anew: somebody else has decided since.
    let now = dead_letters::find(&app.statements, command.target().id).await?;
    Err(now.map_or_else(absent_dead_letter, |now| S::refusal(&now)))
}
