//! `POST /tenants/{id}/reset-login`
//!
//! What is kept under an idempotency key is the id of the reset, never the password: a repeat asks the provisioner for it again, and is
//! in the audit log like every look at a password.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use common::{bus::BusError, error::Kind, id::ResetId};
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::{
    Data,
    initial_login::{InitialLogin, told},
};
use crate::{
    app::App,
    audit::Entry,
    auth::Command,
    commands::{self, Asked},
    http::request::request,
    idempotency::{Answer, IdempotencyKey, REPLAYED},
    problem::{Answered, Code, Problem},
    store::{
        audit,
        steer::{self, Steering},
        tenants::Tenant,
    },
    tenants::{in_the_way, words::Reason},
};

request! {
    /// What else is to be done, and why.
    pub struct ResetLogin: Request {
        /// Also forget the owner's second factor, for whoever lost that too; no when absent.
        disable_mfa: Option<bool>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "The owner lost the password."]
        reason: Option<Reason>,
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Kept {
    reset_id: ResetId,
}

/// Gives the tenant's owner a new password.
///
/// For an owner who is locked out. Ends every session of theirs; their API keys stay. The same `Idempotency-Key` gets the same password
/// again and changes nothing, until a later reset has been accepted (409); it is `stale` when the owner has chosen another since.
#[utoipa::path(
    post, path = "/tenants/{id}/reset-login", tag = "tenants",
    request_body = Option<ResetLogin>,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = Data<InitialLogin>),
    )
)]
pub async fn reset_login(
    State(app): State<App>,
    Asked { command, body }: Asked<ResetLogin, steer::ResetLogin, Tenant>,
) -> Answered<Response> {
    let (id, disable_mfa) = (ResetId::generate(), body.disable_mfa.unwrap_or_default());
    let (steering, answer) =
        (steer::ResetLogin { id, reason: body.reason }, Answer::done(&Kept { reset_id: id })?);
    let accepted = steer::steer(&app.statements, &command, &steering, &answer).await;
    if accepted.map_err(commands::refusal)? {
        return Ok(told(ask(&app, &command, id, disable_mfa).await?).into_response());
    }
    let Some(before) = command.kept_answer(&app.statements).await? else {
        let in_the_way = in_the_way(&app, command.target().id).await?;
        return Err(in_the_way.unwrap_or_else(|| steer::ResetLogin::refusal(command.target())));
    };
    let before: Kept = serde_json::from_slice(&before.body).map_err(|_| Problem::new(Code::Internal))?;
    let login = ask(&app, &command, before.reset_id, disable_mfa).await?;
    // What was accepted is in the audit log; that it is shown once more is not yet.
    let shown =
        Entry::new(command.exchange(), command.identity(), steer::ResetLogin::ACTION, "shown".to_owned());
    audit::insert(&app.statements, &[shown]).await?;
    Ok(([(REPLAYED, HeaderValue::from_static("true"))], told(login)).into_response())
}

async fn ask(
    app: &App,
    command: &Command<steer::ResetLogin, Tenant>,
    reset: ResetId,
    disable_mfa: bool,
) -> Answered<wire::InitialLogin> {
    let (tenant, cluster) = (command.target().id, command.target().cluster());
    command.exchange().note_tenant(tenant);
    let question = wire::ResetLogin { tenant, cluster, reset, disable_mfa, recorded: true };
    app.bus.request(&question).await.map_err(refusal)
}

fn refusal(error: BusError) -> Problem {
    match error {
        BusError::Remote { kind: Kind::NotFound, detail } => Problem::new(Code::NotFound).detail(detail),
        BusError::Remote { kind: Kind::Conflict, detail } => Problem::new(Code::Conflict).detail(detail),
        error @ (BusError::Disconnected
        | BusError::Timeout
        | BusError::NoResponders
        | BusError::Refused(_)
        | BusError::Malformed(_)
        | BusError::Remote { .. }) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Request;

    #[test]
    fn a_body_may_say_nothing_but_nothing_else() {
        let read = |body| {
            let read = ResetLogin::of_body(body, &())?;
            Ok::<_, Problem>((read.disable_mfa, read.reason.map(|reason| reason.as_str().to_owned())))
        };
        assert_eq!(read(b"").unwrap(), (None, None));
        let said = read(br#"{"disable_mfa": true, "reason": "lost"}"#).unwrap();
        assert_eq!(said, (Some(true), Some("lost".to_owned())));
        for body in [&br#"{"disable_mfa": "yes"}"#[..], br#"{"password": "x"}"#, br#"{"reason": ""}"#] {
            assert!(read(body).is_err());
        }
    }
}
