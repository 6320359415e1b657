//! `rp9 tenants restart|suspend|resume`: one path each, and the same everything else.

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::{accepted::carry_out, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Lifecycle {
    /// Its id or subdomain
    tenant: String,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

impl Lifecycle {
    /// Does it.
    pub async fn run(&self, setting: &Setting, verb: &str) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, verb]), key);
        let request = request.json(&self.reason)?;
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
