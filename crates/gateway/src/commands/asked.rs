//! Commands with what they say, and who may give which.

use std::marker::PhantomData;

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use common::operations;

use crate::{
    app::App,
    auth::{Access, Command, Role, Target},
    http::request,
    store::steer::Steering,
};

/// A command and its body. What is wrong with a body is told after the command is known to be new: a repeat gets its first answer.
#[derive(Debug)]
pub struct Asked<B, A, T = ()> {
    pub command: Command<A, T>,
    pub body: B,
}

impl<B: request::Request + Send, A: Access, T: Target + Sync> FromRequest<App> for Asked<B, A, T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let command = Command::from_request(request, app).await?;
        match B::of_body(command.body(), &()) {
            Ok(body) => Ok(Self { command, body }),
            Err(problem) => Err(command.repeat_or(&app.statements, problem).await.into_response()),
        }
    }
}

/// Those who may ask for an operation are named by its kind.
#[derive(Debug)]
pub struct For<R>(PhantomData<fn() -> R>);

impl<R: operations::Request + 'static> Access for For<R> {
    const ROLES: &'static [Role] = R::KIND.roles;
    const ACTION: Option<&'static str> = Some(R::KIND.name);
}

/// Those who may change a course are named with the change.
impl<S: Steering + 'static> Access for S {
    const ROLES: &'static [Role] = S::ROLES;
    const ACTION: Option<&'static str> = Some(S::ACTION);
}
