//! `rp9 tenants create`

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    api::Request, args::Waiting, commands::accepted::carry_out, exit::Exit, failure::Failure, follow::End,
    setting::Setting,
};

#[derive(Debug, Args, Serialize)]
pub struct Create {
    /// The first label of its address
    subdomain: String,
    /// For people; the subdomain when absent
    #[arg(long)]
    name: Option<String>,
    /// Where its owner is written to; of a dedicated tenant also what the owner signs in with (of others: `rp9 tenants login`)
    #[arg(long)]
    email: String,
    /// What it may use: `rp9 plans`
    #[arg(long)]
    plan: String,
    /// How it is hosted; `shared` when absent
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    /// Which n8n it runs, with `--mode dedicated`; the platform's usual one when absent
    #[arg(long, value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    n8n_version: Option<String>,
    /// Where it should be: the region of a cluster
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// A domain of its own, in addition: served once it is proven (`rp9 tenants show` says by what)
    #[arg(long, value_name = "DOMAIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_domain: Option<String>,
    /// What its cluster must comply with; may be given several times
    #[arg(long, value_name = "TAG")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compliance: Vec<String>,
    /// A JSON object that is kept and given back
    #[arg(long, value_name = "JSON", value_parser = object)]
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
    #[command(flatten)]
    #[serde(skip)]
    waiting: Waiting,
}

/// How a tenant is hosted.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// In an n8n with others: there in a second, without containers of its own; cannot be restarted or scaled
    Shared,
    /// With an n8n of its own: a main and workers, restarted and scaled by themselves
    Dedicated,
}

pub(super) fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("must be a JSON object: {error}"))
}

impl Create {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = self.request()?;
        let carried = carry_out(setting, &request, &self.waiting, End::Succeeded).await?;
        if let (Exit::Done, false, Some(url)) =
            (carried.exit, self.waiting.no_wait, &carried.accepted.login_url)
        {
            setting.output.notes.note(&format!(
                "It is at {url}. The owner's first login: rp9 tenants login {}",
                self.subdomain
            ));
        }
        Ok(carried.exit)
    }

    fn request(&self) -> Result<Request, Failure> {
        let mut body = serde_json::to_value(self)?;
        if self.name.is_none() {
            body["name"] = self.subdomain.clone().into();
        }
        let key = self.waiting.sending.idempotency_key.clone();
        Ok(Request::change(Method::POST, "/tenants", key).json(&body)?)
    }
}
