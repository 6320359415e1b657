//! The dead letter that a path names.

use axum::extract::{FromRequestParts, Path};
use common::id::DeadLetterId;
use http::request::Parts;

use super::{Scope, Target};
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
    store::dead_letters::{self, DeadLetter},
};

impl Target for DeadLetter {
    // Only roles that see every tenant get this far.
    async fn find(app: &App, _: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_dead_letter())?;
        let id: DeadLetterId = name.parse().map_err(|_| absent_dead_letter())?;
        let letter = dead_letters::find(&app.statements, id).await?.ok_or_else(absent_dead_letter)?;
        if let Some(operation) = letter.operation_id {
            Exchange::of(&parts.extensions)?.note_operation(operation);
        }
        if let Some(tenant) = letter.tenant_id {
            app.rates.admit_on(parts, tenant).await?;
        }
        Ok(letter)
    }
}

/// What is said of a dead letter that is not there.
pub fn absent_dead_letter() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such dead letter.")
}
