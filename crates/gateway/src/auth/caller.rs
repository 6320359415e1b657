//! Those who only look.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, MatchedPath, OptionalFromRequestParts};
use common::clock;
use http::{header, request::Parts};

use super::{Identity, KeyScope, KeyText, Proof, Role, Scope, Signed, bearer};
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

/// Somebody with a valid token or key, an allowed role and what scope it takes.
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
        if app.signatures.load().wanted_on_reads(identity.role()) {
            let read = Signed { method: &parts.method, uri: &parts.uri, body: b"", idempotency_key: None };
            // Not remembered: reading twice does no more than reading once.
            check_signature(parts, app, &identity, &read)?;
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

/// Token or key, rate, role and scope. Whoever it is, the access log and the audit trail learn of it. The only way to an [`Identity`], so
/// nobody who is known is not counted.
pub(super) async fn identify<A: Access>(parts: &Parts, app: &App) -> Result<Identity, Problem> {
    let exchange = Exchange::of(&parts.extensions)?;
    let shown = bearer(&parts.headers)?;
    let identity = match KeyText::is_meant(shown) {
        true => app.keys.identify(shown).await?,
        false => app.tokens.load().identify(shown)?,
    };
    exchange.note_identity(&identity);
    if let Some(action) = A::ACTION {
        exchange.note_action(action);
    }
    app.rates.admit(parts, &identity).await?;
    if !A::ROLES.contains(&identity.role()) {
        return Err(Problem::new(Code::Forbidden));
    }
    check_scope::<A>(parts, &identity)?;
    Ok(identity)
}

/// A key does not do all that its role may.
fn check_scope<A: Access>(parts: &Parts, identity: &Identity) -> Result<(), Problem> {
    let Some(key) = identity.key() else { return Ok(()) };
    let route = parts.extensions.get().map_or("", MatchedPath::as_str);
    let needed = KeyScope::needed(&parts.method, route, A::ACTION.is_some());
    match needed {
        Some(scope) if key.scopes().contains(&scope) => Ok(()),
        Some(scope) => {
            let lacks = format!("This API key lacks the scope `{}`.", scope.as_str());
            Err(Problem::new(Code::Forbidden).detail(lacks))
        }
        None => Err(Problem::new(Code::Forbidden).detail("No API key may do that.")),
    }
}

/// Checks that the request is signed with what its caller signs with.
pub(super) fn check_signature(
    parts: &Parts,
    app: &App,
    identity: &Identity,
    request: &Signed<'_>,
) -> Result<Option<Proof>, Problem> {
    let (headers, role, now) = (&parts.headers, identity.role(), clock::now());
    match identity.key() {
        None => app.signatures.load().check(headers, request, role, now),
        Some(_) => app.signatures.load().check_by_key(bearer(headers)?, headers, request, role, now),
    }
}
