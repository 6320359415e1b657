//! The operation that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use common::id::OperationId;
use http::request::Parts;

use super::{Caller, Identity, Scope, Target};
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
    store::operations::{self, Known, Operation},
};

/// A caller and the operation they ask about, on one of their tenants, or as much of it as is wanted. One on a foreign tenant is answered exactly as one that does not exist.
#[derive(Debug)]
pub struct OperationOf<O = Operation> {
    caller: Caller,
    pub operation: O,
}

impl<O> OperationOf<O> {
    /// Who asks.
    pub fn identity(&self) -> &Identity {
        self.caller.identity()
    }
}

impl<O: Known> FromRequestParts<App> for OperationOf<O> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller: Caller = Caller::from_request_parts(parts, app).await?;
        let operation = find(app, caller.scope(), parts).await?;
        Ok(Self { caller, operation })
    }
}

impl Target for Operation {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        find(app, scope, parts).await
    }
}

async fn find<O: Known>(app: &App, scope: &Scope, parts: &mut Parts) -> Result<O, Problem> {
    let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_operation())?;
    let id: OperationId = name.parse().map_err(|_| absent_operation())?;
    let exchange = Exchange::of(&parts.extensions)?;
    exchange.note_operation(id);
    let operation: O = operations::find(&app.reader(scope), id).await?.ok_or_else(absent_operation)?;
    if let Some(tenant) = operation.tenant() {
        app.rates.admit_on(parts, tenant).await?;
    }
    Ok(operation)
}

/// What is said of an operation that is not there, and of one the caller may not know of.
pub fn absent_operation() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such operation.")
}
