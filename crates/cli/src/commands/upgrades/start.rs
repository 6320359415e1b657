//! `rp9 upgrades start`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::{
    api::Request,
    args::Sending,
    commands::{accepted::send, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    output::plain,
    setting::Setting,
};

#[derive(Debug, Args, Serialize)]
pub struct Start {
    /// The release that they are to run, such as 2.41.1
    n8n_version: String,
    #[command(flatten)]
    selection: Selection,
    /// How many are upgraded at once at most; 2 when absent
    #[arg(long, value_name = "TENANTS", value_parser = clap::value_parser!(u32).range(1..=20))]
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    /// How many may fail without ending it; 0 when absent
    #[arg(long, value_name = "TENANTS", value_parser = clap::value_parser!(u32).range(0..=1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_failures: Option<u32>,
    #[command(flatten)]
    #[serde(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    #[serde(skip)]
    sending: Sending,
}

/// Who is meant: all that run an earlier release when nothing is said.
#[derive(Debug, Args, Serialize)]
struct Selection {
    /// These alone, by id or subdomain
    #[arg(long = "tenant", value_name = "TENANT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tenants: Vec<String>,
    /// Those on one of these plans
    #[arg(long = "plan", value_name = "PLAN")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plans: Vec<String>,
    /// Those on clusters in one of these regions
    #[arg(long = "region", value_name = "REGION")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    regions: Vec<String>,
}

impl Start {
    /// Does it. It takes as long as it takes: nobody waits for it here.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, "/upgrades", key).json(self)?;
        let answer = send(setting, &setting.api()?, &request).await?;
        let output = &setting.output;
        if output.json {
            output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let started: Value = serde_json::from_slice(&answer.body)?;
        let id = plain(started.get("id"));
        if output.quiet {
            output.line(&id)?;
            return Ok(Exit::Done);
        }
        if started["tenants"] == 0 {
            output.line("Nobody who is meant runs an earlier release.")?;
            return Ok(Exit::Done);
        }
        output.line(&format!("accepted: rollout {id}, tenants {}", plain(started.get("tenants"))))?;
        output.notes.note(&format!("To see how far it is: rp9 upgrades show {id}"));
        Ok(Exit::Done)
    }
}
