//! `rp9 tenants scale`

use clap::{ArgGroup, Args};
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
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["cpu", "memory_mb", "workers"]))]
pub struct Scale {
    /// Its id or subdomain
    #[serde(skip)]
    tenant: String,
    /// Cores
    #[arg(long, value_name = "CORES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<f64>,
    /// Memory of each container
    #[arg(long, value_name = "MB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mb: Option<u32>,
    /// How many workers
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u32>,
    #[command(flatten)]
    #[serde(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    #[serde(skip)]
    waiting: Waiting,
}

impl Scale {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request =
            Request::change(Method::POST, path(&["tenants", &self.tenant, "scale"]), key).json(self)?;
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
