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
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Data,
    initial_login::{InitialLogin, told},
};
use crate::{
    app::App,
    audit::Entry,
    auth::{Access, Command, Role},
    commands,
    http::fields::{Fault, Fields},
    idempotency::{Answer, REPLAYED},
    problem::{Answered, Code, Problem},
    store::{
        audit,
        steer::{self, Steering},
        tenants::Tenant,
    },
    tenants::words,
};

pub enum Reset {}

impl Access for Reset {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some(steer::ResetLogin::ACTION);
}

/// What else is to be done, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ResetLogin)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub struct ResetLoginBody {
    /// Also forget the owner's second factor, for whoever lost that too; no when absent.
    disable_mfa: Option<bool>,
    /// For those who read the audit log; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "The owner lost the password.")]
    reason: Option<String>,
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
    request_body = Option<ResetLoginBody>,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = Data<InitialLogin>),
    )
)]
pub async fn reset_login(State(app): State<App>, command: Command<Reset, Tenant>) -> Answered<Response> {
    let (disable_mfa, reason) = match read(command.body()) {
        Ok(read) => read,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let id = ResetId::generate();
    let (steering, answer) = (steer::ResetLogin { id, reason }, Answer::done(&Kept { reset_id: id })?);
    let accepted = steer::steer(&app.statements, &command, &steering, &answer).await;
    if accepted.map_err(commands::refusal)? {
        return Ok(told(ask(&app, &command, id, disable_mfa).await?).into_response());
    }
    let Some(before) = command.kept_answer(&app.statements).await? else {
        return Err(steer::ResetLogin::refusal(command.target()));
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
    command: &Command<Reset, Tenant>,
    reset: ResetId,
    disable_mfa: bool,
) -> Answered<wire::InitialLogin> {
    let tenant = command.target().id;
    command.exchange().note_tenant(tenant);
    let question = wire::ResetLogin { tenant, reset, disable_mfa, recorded: true };
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

fn read(body: &[u8]) -> Result<(bool, Option<String>), Problem> {
    let mut fields = Fields::of_body(body)?;
    let disable_mfa = fields.value("disable_mfa", |value| match value {
        Value::Bool(yes) => Ok(yes),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::new("not_a_boolean", "must be true or false"))
        }
    });
    let reason = fields.optional("reason", words::reason);
    fields.finish()?;
    Ok((disable_mfa.flatten().unwrap_or_default(), reason.flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_say_nothing_but_nothing_else() {
        assert_eq!(read(b"").unwrap(), (false, None));
        let said = read(br#"{"disable_mfa": true, "reason": "lost"}"#).unwrap();
        assert_eq!(said, (true, Some("lost".to_owned())));
        for body in [&br#"{"disable_mfa": "yes"}"#[..], br#"{"password": "x"}"#, br#"{"reason": ""}"#] {
            assert!(read(body).is_err());
        }
    }
}
