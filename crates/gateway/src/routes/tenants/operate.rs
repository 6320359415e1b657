//! What the routes share that have an operation done to a tenant.

use axum::response::Response;
use common::{
    id::{OperationId, TenantId},
    operations::{NewOperation, TenantRequest},
    tenant::{Mode, TenantStatus},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Command, absent},
    commands,
    idempotency::Answer,
    problem::{Answered, Code, Problem},
    shared_instances,
    store::{
        accept::{Moot, asked},
        operations,
        tenants::{self, Tenant},
    },
    tenants::{in_the_way, next_step, words::Reason},
    vocabulary,
};

/// What became of a request about a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    /// What does it, to be watched at `Location`. Nothing, if it is so already.
    #[schema(value_type = Option<String>, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: Option<OperationId>,
    /// How the tenant is now; the operation says when that changes.
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
    /// Whether it was so, or being done, before this request.
    already: bool,
}

/// So often it is asked for when what stood in its way has ended by the time that somebody looks for it.
const TRIES: u8 = 3;

/// Has it done, or says that it is so or being done already, or why it cannot be.
pub async fn operate<A: Access, R: TenantRequest>(
    app: &App,
    command: &Command<A, Tenant>,
    request: &R,
    reason: Option<&Reason>,
) -> Answered<Response> {
    let (tenant, reason) = (command.target(), reason.map(Reason::as_str));
    let mut tries = 0;
    loop {
        let operation = OperationId::generate();
        let accepted = Accepted {
            tenant_id: tenant.id,
            operation_id: Some(operation),
            status: R::KIND.passes.unwrap_or(tenant.status.0),
            already: false,
        };
        let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &accepted)?;
        let new = NewOperation::of(operation, &tenant.id, request, asked(command, reason));
        if let Some(answer) = commands::accept(app, command, &new, answer).await? {
            return Ok(answer);
        }
        tries += 1;
        if tries == TRIES {
            return not_accepted(app, command, request, reason).await;
        }
        if let Some(answer) = explained(app, command, request, reason).await? {
            return Ok(answer);
        }
    }
}

/// The same, unless something is in its way. What was accepted before may be what makes it impossible now.
pub async fn operate_if<A: Access, R: TenantRequest>(
    app: &App,
    command: &Command<A, Tenant>,
    possible: Answered<()>,
    (request, reason): (&R, Option<&Reason>),
) -> Answered<Response> {
    match possible {
        Ok(()) => operate(app, command, request, reason).await,
        Err(problem) => command.repeat_or(&app.statements, problem).await,
    }
}

/// Says that it is so already. A repeat gets its first answer, also once that has come true.
pub async fn nothing_to_do<A: Access>(
    app: &App,
    command: &Command<A, Tenant>,
    tenant: &Tenant,
    reason: Option<&Reason>,
) -> Answered<Response> {
    let moot = Moot { tenant: tenant.id, operation: None, reason: reason.map(Reason::as_str) };
    commands::nothing_to_do(app, command, &moot, so_already(tenant)?).await
}

/// Refuses what can only be done to containers of a tenant's own.
pub fn has_containers(tenant: &Tenant) -> Answered<()> {
    match tenant.mode.0 {
        Mode::Dedicated => Ok(()),
        Mode::Shared => Err(Problem::new(Code::SharedTenant)
            .detail("It has no containers of its own: those of the n8n that it shares are its operators'. `POST /tenants/{id}/promote` gives it an n8n of its own.")),
    }
}

/// Refuses what is done to an n8n itself that the platform does not run.
pub async fn is_ours(app: &App, tenant: &Tenant) -> Answered<()> {
    let itself = if tenant.the_platforms_own { in_the_way(app, tenant.id).await? } else { None };
    itself.map_or(Ok(()), Err)
}

/// That nothing has to be done: it is so.
fn so_already(tenant: &Tenant) -> Answered<Answer> {
    Answer::done(&Accepted {
        tenant_id: tenant.id,
        operation_id: None,
        status: tenant.status.0,
        already: true,
    })
}

/// What was accepted before, or why this is not.
pub async fn not_accepted<A: Access, R: TenantRequest>(
    app: &App,
    command: &Command<A, Tenant>,
    request: &R,
    reason: Option<&str>,
) -> Answered<Response> {
    if let Some(answer) = explained(app, command, request, reason).await? {
        return Ok(answer);
    }
    let detail = "What was being done to the tenant ended in this moment, or began. Ask again.";
    Err(Problem::new(Code::Conflict).detail(detail))
}

/// The same; `None` if nothing stands in its way by now. Read anew: what was found when the request came in may be why it was asked, not why it is
/// refused.
async fn explained<A: Access, R: TenantRequest>(
    app: &App,
    command: &Command<A, Tenant>,
    request: &R,
    reason: Option<&str>,
) -> Answered<Option<Response>> {
    let (kind, reader) = (R::KIND, app.reader(command.identity().scope()));
    let to_be = operations::status_to_be(&app.statements, command.target().id).await?;
    let (to_be, by) = to_be.ok_or_else(absent)?;
    let tenant: Tenant = tenants::find(&reader, command.target().id).await?.ok_or_else(absent)?;
    if tenant.plan == shared_instances::PLAN && kind.ends == Some(TenantStatus::Suspended) {
        return Err(Problem::new(Code::Conflict).detail("An n8n that tenants share does not rest. `POST /shared-instances/{id}/drain` lets no more tenants in."));
    }
    if kind.is_refused_beside_its_like()
        && let Some((operation, asked)) =
            operations::find_open_as_asked(&app.statements, tenant.id, kind).await?
    {
        if !is_the_same(request, asked) {
            return Err(asked_otherwise(kind.name, operation, None));
        }
        let moot = Moot { tenant: tenant.id, operation: Some(operation), reason };
        return commands::nothing_to_do(app, command, &moot, being_done(&tenant, operation)?).await.map(Some);
    }
    if kind.ends.is_some_and(|ends| ends.as_str() == to_be) {
        let answer = by.map_or_else(|| so_already(&tenant), |operation| being_done(&tenant, operation))?;
        let moot = Moot { tenant: tenant.id, operation: by, reason };
        return commands::nothing_to_do(app, command, &moot, answer).await.map(Some);
    }
    if kind.from.iter().any(|status| status.as_str() == to_be) {
        return in_the_way(app, tenant.id).await?.map_or(Ok(None), Err);
    }
    let from: Vec<_> = kind.from.iter().map(|status| status.as_str()).collect();
    let (is, next) = match by {
        Some(operation) => {
            (format!("will be {to_be} by operation {operation}"), "Ask again when that has ended.")
        }
        None => (format!("is {to_be}"), to_be.parse().map_or("", next_step)),
    };
    let detail = format!("The tenant {is}; this is done to one that is {}. {next}", from.join(" or "));
    Err(Problem::new(Code::Conflict).detail(detail.trim_end()))
}

/// Whether an operation was asked for with the same. A row of another release may lack a field that has a default, or have one more.
fn is_the_same<R: TenantRequest>(request: &R, asked: Value) -> bool {
    let asked = serde_json::from_value::<R>(asked).and_then(serde_json::to_value);
    asked.is_ok_and(|asked| serde_json::to_value(request).is_ok_and(|request| request == asked))
}

/// That one which is under way was asked for with something else, or waits for its window.
pub fn asked_otherwise(kind: &str, operation: OperationId, window: Option<&str>) -> Problem {
    let next = match window {
        Some(window) => format!(
            "It begins within {window}, or began then: call it off first, or ask again when it has ended."
        ),
        None => "Ask again when it has ended.".to_owned(),
    };
    let detail = format!(
        "Operation {operation} ({kind}) is not over for this tenant and was asked for something else. {next}"
    );
    Problem::new(Code::Conflict).detail(detail)
}

/// That nothing more has to be done: this operation does it.
fn being_done(tenant: &Tenant, operation: OperationId) -> Answered<Answer> {
    let (tenant_id, status) = (tenant.id, tenant.status.0);
    let open = Accepted { tenant_id, operation_id: Some(operation), status, already: true };
    Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &open)
}
