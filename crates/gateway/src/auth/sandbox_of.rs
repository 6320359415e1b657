//! The sandbox that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::{Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::sandboxes::{self, Sandbox},
};

impl Target for Sandbox {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await;
        let Path(name) = name.map_err(|_| absent_sandbox())?;
        let found = sandboxes::find(&app.reader(scope), &name).await?;
        let sandbox = found.ok_or_else(absent_sandbox)?;
        app.rates.admit_on(parts, sandbox.of_tenant).await?;
        Ok(sandbox)
    }
}

/// What is said of one that is not there, and of one the caller may not know of.
pub fn absent_sandbox() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such sandbox.")
}
