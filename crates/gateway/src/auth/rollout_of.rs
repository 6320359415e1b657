//! The rollout that a path names.

use axum::extract::{FromRequestParts, Path};
use common::id::RolloutId;
use http::request::Parts;

use super::{Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::rollouts::{self, Rollout},
};

impl Target for Rollout {
    // Only roles that see every tenant get this far.
    async fn find(app: &App, _: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_rollout())?;
        let id: RolloutId = name.parse().map_err(|_| absent_rollout())?;
        rollouts::find(&app.statements, id).await?.ok_or_else(absent_rollout)
    }
}

/// What is said of one that is not there.
fn absent_rollout() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such rollout.")
}
