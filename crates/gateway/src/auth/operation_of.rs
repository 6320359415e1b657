//! The operation that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use common::id::OperationId;
use http::request::Parts;

use super::{Caller, Scope, Target};
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
    rates,
    store::operations::{self, Operation},
};

/// An operation on one of the caller's tenants. One on a foreign tenant is answered exactly as one that does not exist.
#[derive(Debug)]
pub struct OperationOf(pub Operation);

impl FromRequestParts<App> for OperationOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller: Caller = Caller::from_request_parts(parts, app).await?;
        Operation::find(app, caller.scope(), parts).await.map(Self)
    }
}

impl Target for Operation {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_operation())?;
        let id: OperationId = name.parse().map_err(|_| absent_operation())?;
        let exchange = Exchange::of(&parts.extensions)?;
        exchange.note_operation(id);
        let operation = operations::find(&app.database, scope, id).await?.ok_or_else(absent_operation)?;
        if let Some(tenant) = operation.tenant_id {
            rates::admit_on(app, parts, tenant).await?;
        }
        Ok(operation)
    }
}

/// What is said of an operation that is not there, and of one the caller may not know of.
pub fn absent_operation() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such operation.")
}
