//! `/operations`

pub mod abandon;
pub mod cancel;
pub mod list;
pub mod resume;
pub mod show;

use axum::response::Response;
use common::id::{OperationId, TenantId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::Command,
    commands,
    http::fields::Fields,
    idempotency::Answer,
    problem::{Answered, Code, Problem},
    store::{
        operations::{self, Operation},
        steer::Steering,
    },
    tenants::words,
};

/// What became of a request about an operation: it was taken. `Location` names where to watch what it does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Steered {
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = Option<String>, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: Option<TenantId>,
}

/// Why an operation is resumed or abandoned.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub struct ReasonBody {
    /// For those who read the audit log; 1 to 500 characters.
    reason: String,
}

/// The same where nobody has to say.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub struct OptionalReasonBody {
    /// For those who read the audit log; 1 to 500 characters.
    reason: Option<String>,
}

/// The reason a body gives, which it must.
fn reason(body: &[u8]) -> Result<String, Problem> {
    let mut fields = Fields::of_body(body)?;
    let reason = fields.required("reason", words::reason);
    fields.finish()?;
    // Whatever is missing was told by `finish`.
    reason.ok_or_else(|| Problem::new(Code::InvalidFields))
}

/// The reason a body gives, if it gives one.
fn optional_reason(body: &[u8]) -> Result<Option<String>, Problem> {
    let mut fields = Fields::of_body(body)?;
    let reason = fields.optional("reason", words::reason);
    fields.finish()?;
    Ok(reason.flatten())
}

/// Does what is asked to the operation, or says why it is too late.
async fn steer<A, S: Steering>(
    app: &App,
    command: &Command<A, Operation>,
    steering: S,
) -> Answered<Response> {
    let operation = command.target();
    let steered = Steered { operation_id: operation.id, tenant_id: operation.tenant_id };
    let location = format!("/operations/{}", operation.id);
    let answer = Answer::json(StatusCode::ACCEPTED, location, &steered)?;
    match commands::steer(app, command, &steering, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(too_late::<S>(app, command).await?),
    }
}

/// Read anew: what was found when the request came in may be why it was asked, not why it is refused.
async fn too_late<S: Steering>(app: &App, command: &Command<impl Sized, Operation>) -> Answered<Problem> {
    let scope = command.identity().scope();
    let now = operations::find(&app.database, scope, command.target().id).await?;
    Ok(now.map_or_else(crate::auth::absent_operation, |now| S::refusal(&now)))
}
