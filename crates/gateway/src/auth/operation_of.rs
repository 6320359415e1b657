//! The operation that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use common::id::OperationId;
use http::request::Parts;

use super::Caller;
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
    store::operations::{self, Operation},
};

/// An operation on one of the caller's tenants. One on a foreign tenant is answered exactly as one that does not exist.
#[derive(Debug)]
pub struct OperationOf(pub Operation);

impl FromRequestParts<App> for OperationOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller: Caller = Caller::from_request_parts(parts, app).await?;
        let absent = || Problem::new(Code::NotFound).detail("There is no such operation.");
        let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent())?;
        let id: OperationId = name.parse().map_err(|_| absent())?;
        Exchange::of(&parts.extensions)?.note_operation(id);
        let operation = operations::find(&app.database, caller.scope(), id).await?.ok_or_else(absent)?;
        Ok(Self(operation))
    }
}
