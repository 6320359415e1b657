//! The schedule that a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::{Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::schedules::{self, Schedule},
};

impl Target for Schedule {
    /// Roles that see only some tenants do not get here.
    async fn find(app: &App, _: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_schedule())?;
        // Postgres knows no text with a NUL.
        if name.contains('\0') {
            return Err(absent_schedule());
        }
        let schedule = schedules::find(&app.statements, &name).await?.ok_or_else(absent_schedule)?;
        if let Some(tenant) = schedule.tenant_id {
            app.rates.admit_on(parts, tenant).await?;
        }
        Ok(schedule)
    }
}

/// What is said of a schedule that is not there.
pub fn absent_schedule() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such schedule.")
}
