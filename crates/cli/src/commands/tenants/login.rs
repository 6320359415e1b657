//! `rp9 tenants login`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use crate::{
    api::{Answer, Request, path},
    args::Sending,
    commands::{accepted::send, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    output::Sheet,
    setting::Setting,
};

#[derive(Debug, Args, Serialize)]
pub struct Login {
    /// Its id or subdomain
    #[serde(skip)]
    tenant: String,
    /// Make a new password, for an owner who is locked out: ends every session of theirs
    #[arg(long)]
    #[serde(skip)]
    reset: bool,
    /// Also forget the owner's second factor
    #[arg(long, requires = "reset")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_mfa: bool,
    #[command(flatten)]
    #[serde(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    #[serde(skip)]
    sending: Sending,
}

impl Login {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let answer = self.ask(setting).await?;
        let output = &setting.output;
        let Some(data) = output.data(&answer.body, "/password")? else { return Ok(Exit::Done) };
        output.sheet(Sheet::new().of("e-mail", data.get("email")).of("password", data.get("password")))?;
        if data["stale"].as_bool().unwrap_or_default() {
            output.notes.warn(
                "the owner has changed the password since: nobody gets in with this one. A new password: --reset",
            );
        }
        Ok(Exit::Done)
    }

    async fn ask(&self, setting: &Setting) -> Result<Answer, Failure> {
        let api = setting.api()?;
        if !self.reset {
            return api.send(&Request::get(path(&["tenants", &self.tenant, "initial-login"]))).await;
        }
        let key = self.sending.idempotency_key.clone();
        let target = path(&["tenants", &self.tenant, "reset-login"]);
        send(setting, &api, &Request::change(Method::POST, target, key).json(self)?).await
    }
}
