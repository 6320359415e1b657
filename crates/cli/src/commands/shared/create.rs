//! `rp9 shared create`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use crate::{
    api::Request, args::Waiting, commands::accepted::carry_out, exit::Exit, failure::Failure, follow::End,
    setting::Setting,
};

#[derive(Debug, Args, Serialize)]
pub struct Create {
    /// What it is called, and the first label of its address
    name: String,
    /// The region of its cluster; anywhere when absent
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// How many tenants may live in it; 500 when absent
    #[arg(long, value_name = "TENANTS", value_parser = clap::value_parser!(u32).range(1..=5000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<u32>,
    #[command(flatten)]
    #[serde(skip)]
    waiting: Waiting,
}

impl Create {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, "/shared-instances", key).json(self)?;
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
