//! From a verified command to its answer: accepted, answered as before, or refused.

mod asked;

use axum::response::{IntoResponse, Response};
use common::{
    error::chain,
    id::{OperationId, TenantId},
    operations::{NewOperation, OperationKind, Request as _},
};
use wire::{OperationQueued, kinds};

use crate::{
    app::App,
    auth::{Access, Command},
    exchange::Exchange,
    idempotency::Answer,
    metrics,
    problem::{Code, Pointer, Problem},
    store::{
        accept::{self, AcceptError, CreateSandbox, CreateTenant, Moot},
        steer::{self, Steering},
    },
};

pub use asked::{Asked, For};

/// Accepts an operation on a tenant that is there with the answer made for it, or gives the answer it got the first time. `None`: it
/// cannot be done, and nothing was written.
pub async fn accept<A, T>(
    app: &App,
    command: &Command<A, T>,
    new: &NewOperation<'_>,
    answer: Answer,
) -> Result<Option<Response>, Problem> {
    admitted(app, command, new.kind, new.subject.tenant(), new.id, answer, async |answer| {
        accept::accept(&app.statements, command, new, answer).await
    })
    .await
}

/// The same for an operation that makes its tenant.
pub async fn create<A, T>(
    app: &App,
    command: &Command<A, T>,
    operation: OperationId,
    create: &CreateTenant<'_>,
    answer: Answer,
) -> Result<Option<Response>, Problem> {
    admitted(app, command, kinds::TenantCreate::KIND, Some(create.id), operation, answer, async |answer| {
        create.accept(&app.statements, command, operation, answer).await
    })
    .await
}

/// The same for a sandbox, which is a tenant too.
pub async fn create_sandbox<A: Access, T>(
    app: &App,
    command: &Command<A, T>,
    operation: OperationId,
    create: &CreateSandbox<'_>,
    answer: Answer,
) -> Result<Option<Response>, Problem> {
    admitted(app, command, kinds::TenantCreate::KIND, Some(create.of), operation, answer, async |answer| {
        create.accept(&app.statements, command, operation, answer).await
    })
    .await
}

/// What is the same for all: not while too many wait, and the provisioner is woken.
async fn admitted<A, T>(
    app: &App,
    command: &Command<A, T>,
    kind: &'static OperationKind,
    tenant: Option<TenantId>,
    operation: OperationId,
    answer: Answer,
    accept: impl AsyncFnOnce(&Answer) -> Result<bool, AcceptError>,
) -> Result<Option<Response>, Problem> {
    if let Some(answer) = command.likely_answer(app).await? {
        return Ok(Some(answer));
    }
    if let Err(overloaded) = app.pressure.admit() {
        // What was accepted before is no burden.
        return command.repeat_or(&app.statements, overloaded).await.map(Some);
    }
    if accept(&answer).await.map_err(refusal)? {
        command.note_used(&app.repeats);
        note(command.exchange(), tenant, Some(operation));
        metrics::accepted(kind.name);
        wake(app, command.exchange(), operation, kind);
        return Ok(Some(answer.into_response()));
    }
    command.stored_answer(&app.statements).await
}

/// Does to its target what a command asks, with the answer made for it, or gives the answer it got the first time.
/// `None`: the target is not in a state in which it can be done, and nothing was written.
pub async fn steer<A, S: Steering>(
    app: &App,
    command: &Command<A, S::Target>,
    steering: &S,
    answer: Answer,
) -> Result<Option<Response>, Problem> {
    if steer::steer(&app.statements, command, steering, &answer).await.map_err(refusal)? {
        return Ok(Some(answer.into_response()));
    }
    command.stored_answer(&app.statements).await
}

/// The same, and where it cannot be done whoever asked is told why.
pub async fn steered<A, S: Steering>(
    app: &App,
    command: &Command<A, S::Target>,
    steering: &S,
    answer: Answer,
) -> Result<Response, Problem> {
    steer(app, command, steering, answer).await?.ok_or_else(|| S::refusal(command.target()))
}

/// Answers a command for which nothing has to be done. The answer is as good as any: sent again later, when things are otherwise, the same
/// request must not do what was not to be done then, nor may whoever saw it have it done.
pub async fn nothing_to_do<A: Access, T>(
    app: &App,
    command: &Command<A, T>,
    moot: &Moot<'_>,
    answer: Answer,
) -> Result<Response, Problem> {
    if accept::keep(&app.statements, command, moot, &answer).await.map_err(refusal)? {
        note(command.exchange(), Some(moot.tenant), moot.operation);
        return Ok(answer.into_response());
    }
    command.repeat_or(&app.statements, in_flight()).await
}

fn note(exchange: &Exchange, tenant: Option<TenantId>, operation: Option<OperationId>) {
    tenant.into_iter().for_each(|tenant| exchange.note_tenant(tenant));
    operation.into_iter().for_each(|operation| exchange.note_operation(operation));
}

/// What a caller is told of a command that was not accepted.
pub fn refusal(error: AcceptError) -> Problem {
    match error {
        AcceptError::SignatureRepeated => Problem::new(Code::SignatureRepeated),
        AcceptError::SubdomainTaken => Problem::new(Code::SubdomainTaken)
            .detail("Another tenant has this subdomain: choose another one.")
            .at(Pointer::to("subdomain")),
        AcceptError::RolloutUnderWay => Problem::new(Code::Conflict),
        AcceptError::InFlight => in_flight(),
        AcceptError::Store(_) => error.into(),
    }
}

fn in_flight() -> Problem {
    Problem::new(Code::RequestInFlight).detail(
        "A request with this idempotency key is still being accepted. Send this one again in a moment, under the same key.",
    )
}

/// Tells the service that does it. The row is what counts: a lost wake-up costs the time until the sweeper comes by.
pub fn wake(app: &App, exchange: &Exchange, operation: OperationId, kind: &OperationKind) {
    let (service, kind) = (kind.service.to_owned(), kind.name.to_owned());
    let message = OperationQueued { service, operation, kind, because_of: None };
    let (bus, carried) = (app.bus.clone(), exchange.carried());
    app.tasks.spawn_one("wake", async move {
        let published = bus.publish(&message, &carried).await;
        metrics::woken(published.is_ok());
        if let Err(error) = published {
            tracing::debug!(operation_id = %operation, error = chain(&error), "left to the sweeper");
        }
    });
}
