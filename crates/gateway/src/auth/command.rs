//! Those who change something: token or key, rate, role, scope, signature and body, checked in this order, before anything is looked up.

use std::marker::PhantomData;

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use common::database::Statements;
use http::request::Parts;

use super::{
    Access, Identity, Proof, Scope, Signed,
    caller::{check_signature, identify},
};
use crate::{
    app::App,
    exchange::Exchange,
    http::body,
    idempotency::{self, Answer, IdempotencyKey, Repeats, RequestDigest},
    problem::{Code, Problem},
};

/// What a command is aimed at, found after its signature is checked.
pub trait Target: Sized + Send {
    /// Looks it up among what the caller can see.
    fn find(
        app: &App,
        scope: &Scope,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;
}

impl Target for () {
    async fn find(_: &App, _: &Scope, _: &mut Parts) -> Result<Self, Problem> {
        Ok(())
    }
}

/// A verified request to change something.
#[derive(Debug)]
pub struct Command<A, T = ()> {
    identity: Identity,
    body: Bytes,
    target: T,
    key: Option<IdempotencyKey>,
    digest: RequestDigest,
    proof: Option<Proof>,
    exchange: Exchange,
    access: PhantomData<fn() -> A>,
}

impl<A, T> Command<A, T> {
    /// The body as it was signed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What it is aimed at.
    pub fn target(&self) -> &T {
        &self.target
    }

    /// Who gave it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Under which key its answer is kept.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// What tells it from another request under the same key.
    pub fn digest(&self) -> &RequestDigest {
        &self.digest
    }

    /// Its signature, if it has one.
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// The request it came in.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The answer kept under its key, if it has one and there is one.
    pub async fn kept_answer(&self, statements: &Statements) -> Result<Option<Answer>, Problem> {
        let Some(key) = &self.key else { return Ok(None) };
        idempotency::kept_answer(statements, self.identity.subject(), key, &self.digest).await
    }

    /// The same as it goes out.
    pub async fn stored_answer(&self, statements: &Statements) -> Result<Option<Response>, Problem> {
        Ok(self.kept_answer(statements).await?.map(Answer::replayed))
    }

    /// The same, asked for first where this gateway has seen it before: most who repeat a command ask where they asked the first time.
    pub async fn likely_answer(&self, app: &App) -> Result<Option<Response>, Problem> {
        let likely = |key| app.repeats.is_likely(self.identity.subject(), key);
        if self.key.as_ref().is_some_and(likely) {
            self.stored_answer(&app.statements).await
        } else {
            Ok(None)
        }
    }

    /// Its key is used now.
    pub fn note_used(&self, repeats: &Repeats) {
        if let Some(key) = &self.key {
            repeats.note(self.identity.subject(), key);
        }
    }

    /// What it is answered when it cannot be done: a repeat gets its first answer, whatever has changed since.
    pub async fn repeat_or(&self, statements: &Statements, problem: Problem) -> Result<Response, Problem> {
        self.stored_answer(statements).await?.ok_or(problem)
    }
}

impl<A: Access, T: Target> FromRequest<App> for Command<A, T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        const { assert!(A::ACTION.is_some(), "a command has a word in the audit log") };
        let (mut parts, body) = request.into_parts();
        let command = verify::<A>(&parts, body, app).await.map_err(IntoResponse::into_response)?;
        match T::find(app, command.identity.scope(), &mut parts).await {
            Ok(target) => Ok(command.aimed_at(target)),
            // Asking too often is no answer to the request itself: a repeat of it is asked too often as well.
            Err(problem) if problem.code() == Code::Throttled => Err(problem.into_response()),
            // Its target may be gone by now.
            Err(problem) => Err(command.repeat_or(&app.statements, problem).await.into_response()),
        }
    }
}

async fn verify<A: Access>(parts: &Parts, body: axum::body::Body, app: &App) -> Result<Command<A>, Problem> {
    let identity = identify::<A>(parts, app).await?;
    let exchange = Exchange::of(&parts.extensions)?.clone();
    body::check_content_type(&parts.headers)?;
    let body = body::collect(&parts.headers, body).await?;
    let key = IdempotencyKey::of(&parts.headers)?;
    let signed = Signed {
        method: &parts.method,
        uri: &parts.uri,
        body: &body,
        idempotency_key: key.as_ref().map(IdempotencyKey::as_str),
    };
    let proof = check_signature(parts, app, &identity, &signed)?;
    let digest = RequestDigest::of(&parts.method, &parts.uri, &body);
    exchange.note_digest(digest);
    proof.into_iter().for_each(|proof| exchange.note_proof(proof));
    Ok(Command { identity, body, target: (), key, digest, proof, exchange, access: PhantomData })
}

impl<A> Command<A> {
    fn aimed_at<T>(self, target: T) -> Command<A, T> {
        let Self { identity, body, target: (), key, digest, proof, exchange, access } = self;
        Command { identity, body, target, key, digest, proof, exchange, access }
    }
}
