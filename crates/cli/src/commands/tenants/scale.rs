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
    /// Cores of each container: 0.25 or more, as many as its plan allows (`rp9 plans`)
    #[arg(long, value_name = "CORES", value_parser = cores)]
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<f64>,
    /// Memory of each container: 512 or more, as much as its plan allows
    #[arg(long, value_name = "MB", value_parser = megabytes)]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mb: Option<u32>,
    /// How many workers: 1 or more, as many as its plan allows
    #[arg(long, value_name = "COUNT", value_parser = count)]
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u32>,
    #[command(flatten)]
    #[serde(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    #[serde(skip)]
    waiting: Waiting,
}

/// What the least is says the API's description (`described`); the most is a plan's affair.
pub(in crate::commands) const LEAST: [(&str, f64); 3] =
    [("cpu", 0.25), ("memory_mb", 512.0), ("workers", 1.0)];

const AS_MUCH: &str = "as much as the tenant's plan allows (`rp9 plans`)";

fn cores(text: &str) -> Result<f64, String> {
    let enough = text.parse().ok().filter(|cores: &f64| cores.is_finite() && *cores >= LEAST[0].1);
    enough.ok_or_else(|| format!("must be a number of cores from {} to {AS_MUCH}", LEAST[0].1))
}

fn megabytes(text: &str) -> Result<u32, String> {
    whole(text, LEAST[1].1)
}

fn count(text: &str) -> Result<u32, String> {
    whole(text, LEAST[2].1)
}

fn whole(text: &str, least: f64) -> Result<u32, String> {
    let enough = text.parse().ok().filter(|number: &u32| f64::from(*number) >= least);
    enough.ok_or_else(|| format!("must be a whole number from {least} to {AS_MUCH}"))
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
