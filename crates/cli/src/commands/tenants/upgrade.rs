//! `rp9 tenants upgrade`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::{accepted::carry_out, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args, Serialize)]
pub struct Upgrade {
    /// Its id or subdomain
    #[serde(skip)]
    tenant: String,
    /// The release, later than what it runs: `2.41.1`. The API says which there are
    n8n_version: String,
    /// How it gets there: it stops for it, or a side of that release is put beside it and takes its place; `recreate` when absent
    #[arg(long, value_name = "STRATEGY", value_parser = ["recreate", "blue_green"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    #[serde(skip)]
    waiting: Waiting,
}

impl Upgrade {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request =
            Request::change(Method::POST, path(&["tenants", &self.tenant, "upgrade"]), key).json(self)?;
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
