//! The key that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use common::id::KeyId;
use http::request::Parts;

use super::{Caller, Identity, Scope, Target, Visible};
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
    store::keys::{self, ApiKey},
};

/// A key that its caller may know of.
#[derive(Debug)]
pub struct KeyOf(pub ApiKey);

impl FromRequestParts<App> for KeyOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller: Caller = Caller::from_request_parts(parts, app).await?;
        find(app, caller.identity(), parts).await.map(Self)
    }
}

async fn find(app: &App, identity: &Identity, parts: &mut Parts) -> Result<ApiKey, Problem> {
    let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_key())?;
    let id: KeyId = name.parse().map_err(|_| absent_key())?;
    keys::find(&app.statements, &Visible::to(identity), id).await?.ok_or_else(absent_key)
}

impl Target for ApiKey {
    async fn find(app: &App, _: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        // Who asks is known by now; a scope alone does not say which roles they may know of.
        let exchange = Exchange::of(&parts.extensions)?.clone();
        let identity = exchange.identity().ok_or_else(absent_key)?;
        find(app, identity, parts).await
    }
}

/// What is said of a key that is not there, and of one the caller may not know of.
pub fn absent_key() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such API key.")
}
