//! Those who only look.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use common::clock;
use http::{header, request::Parts};

use super::{Identity, Role, Scope, Signed};
use crate::{
    app::App,
    exchange::Exchange,
    problem::{Code, Problem},
};

/// What a route asks of its caller.
pub trait Access: Send + Sync + 'static {
    /// The roles that may.
    const ROLES: &'static [Role];
    /// The word in the audit log. Routes without one leave no entry.
    const ACTION: Option<&'static str> = None;
}

/// Any role may, and nothing is noted: what is read is limited by the caller's scope.
#[derive(Debug)]
pub enum Read {}

impl Access for Read {
    const ROLES: &'static [Role] = Role::ALL;
}

/// Somebody with a valid token and an allowed role.
#[derive(Debug, Clone)]
pub struct Caller<A = Read> {
    identity: Identity,
    access: PhantomData<fn() -> A>,
}

impl<A> Caller<A> {
    /// Which tenants they see.
    pub fn scope(&self) -> &Scope {
        self.identity.scope()
    }

    /// Who they are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl<A: Access> FromRequestParts<App> for Caller<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let identity = identify::<A>(parts, app).await?;
        if app.signatures.wanted_on_reads(identity.role()) {
            let read = Signed { method: &parts.method, uri: &parts.uri, body: b"", idempotency_key: None };
            // Not remembered: reading twice does no more than reading once.
            app.signatures.check(&parts.headers, &read, identity.role(), clock::now())?;
        }
        Ok(Self { identity, access: PhantomData })
    }
}

/// For routes that say more to whoever shows a token. One that is shown must be good.
impl<A: Access> OptionalFromRequestParts<App> for Caller<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some)
    }
}

/// Token, rate and role. Whoever it is, the access log and the audit trail learn of it. The only way to an [`Identity`], so nobody
/// with a token is not counted.
pub(super) async fn identify<A: Access>(parts: &Parts, app: &App) -> Result<Identity, Problem> {
    let exchange = Exchange::of(&parts.extensions)?;
    let identity = app.tokens.identify(&parts.headers)?;
    exchange.note_identity(&identity);
    if let Some(action) = A::ACTION {
        exchange.note_action(action);
    }
    app.rates.admit(parts, &identity).await?;
    if A::ROLES.contains(&identity.role()) { Ok(identity) } else { Err(Problem::new(Code::Forbidden)) }
}
