//! The operation that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use common::id::OperationId;
use http::request::Parts;

use super::{Caller, Identity, Scope, Target};
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
    store::{
        operations::{self, Known, Operation},
        sandboxes,
    },
};

/// A caller and the operation they ask about, on one of their tenants, or as much of it as is wanted. One on a foreign tenant is answered exactly as one that does not exist.
#[derive(Debug)]
pub struct OperationOf<O = Operation> {
    caller: Caller,
    scope: Scope,
    pub operation: O,
}

impl<O> OperationOf<O> {
    /// Who asks.
    pub fn identity(&self) -> &Identity {
        self.caller.identity()
    }

    /// What of this operation they see: all of it, whether its tenant is one of theirs or a copy of one.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl<O: Known> FromRequestParts<App> for OperationOf<O> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller: Caller = Caller::from_request_parts(parts, app).await?;
        let (operation, scope) = find(app, caller.scope(), parts).await?;
        Ok(Self { caller, scope, operation })
    }
}

impl Target for Operation {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        find(app, scope, parts).await.map(|(operation, _)| operation)
    }
}

async fn find<O: Known>(app: &App, scope: &Scope, parts: &mut Parts) -> Result<(O, Scope), Problem> {
    let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_operation())?;
    let id: OperationId = name.parse().map_err(|_| absent_operation())?;
    let exchange = Exchange::of(&parts.extensions)?;
    exchange.note_operation(id);
    let (operation, scope): (O, Scope) = match operations::find(&app.reader(scope), id).await? {
        Some(operation) => (operation, scope.clone()),
        None => (of_sandbox(app, scope, id).await?.ok_or_else(absent_operation)?, Scope::all()),
    };
    if let Some(tenant) = operation.tenant() {
        app.rates.admit_on(parts, tenant).await?;
    }
    Ok((operation, scope))
}

/// The one on a sandbox of a tenant that the caller sees. The sandbox itself is no tenant of theirs.
async fn of_sandbox<O: Known>(app: &App, scope: &Scope, id: OperationId) -> Result<Option<O>, Problem> {
    let of = sandboxes::copied_from(&app.statements, id).await?;
    if of.is_none_or(|of| !scope.sees(Some(of))) {
        return Ok(None);
    }
    Ok(operations::find(&app.reader_beside(scope), id).await?)
}

/// What is said of an operation that is not there, and of one the caller may not know of.
pub fn absent_operation() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such operation.")
}
