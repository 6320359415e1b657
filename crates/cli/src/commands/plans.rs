//! `rp9 plans`

use clap::Args;
use serde_json::Value;

use crate::{
    api::Request,
    commands::listing::Whole,
    exit::Exit,
    failure::Failure,
    output::{Column, made, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("PLAN", "/name"),
    made("CORES", |plan| up_to(plan, "cpu_cores")),
    made("MEMORY MB", |plan| up_to(plan, "memory_mb")),
    made("WORKERS", |plan| up_to(plan, "workers")),
    text("STORAGE GB", "/limits/storage_gb"),
    text("EXECUTIONS/MONTH", "/limits/executions_per_month"),
    text("CONCURRENT", "/limits/concurrent_executions"),
    text("CALLS/HOUR", "/limits/api_calls_per_hour"),
    text("WHEN SUSPENDED", "/when_suspended"),
];

/// What it begins with, and how far scaling may take it.
fn up_to(plan: &Value, name: &str) -> String {
    format!("{} (to {})", plain(plan["limits"].get(name)), plain(plan["ceilings"].get(name)))
}

#[derive(Debug, Args)]
pub struct Plans {}

impl Plans {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let list = Whole { at: "/data", columns: COLUMNS, id: "/name", things: "plans" };
        list.show(setting, &Request::get("/plans")).await?;
        Ok(Exit::Done)
    }
}
