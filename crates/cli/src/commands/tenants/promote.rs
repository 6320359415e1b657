//! `rp9 tenants promote`

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

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
pub struct Promote {
    /// Its id or subdomain
    tenant: String,
    /// The longest that its callers wait: 1 to 60; 10 when absent. Past it the tenant is back where it was
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=60))]
    ttl_minutes: Option<u32>,
    /// What ran does not come along
    #[arg(long)]
    without_executions: bool,
    /// When it may begin, such as 2026-12-01T01:00:00Z/2026-12-01T03:00:00Z, or the first moment alone; at once when absent. It is not followed then
    #[arg(long, value_name = "FROM[/UNTIL]")]
    window: Option<String>,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

impl Promote {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "promote"]), key);
        let mut waiting = self.waiting.clone();
        waiting.no_wait |= self.window.is_some();
        let carried = carry_out(setting, &request.json(&self.body()?)?, &waiting, End::Succeeded).await?;
        let tenant = &self.tenant;
        if carried.exit == Exit::Done && self.window.is_some() {
            setting.output.notes.note(&format!(
                "{tenant} stays as it is until then. How it went: rp9 tenants promotions {tenant}"
            ));
        } else if carried.exit == Exit::Done && !waiting.no_wait {
            setting.output.notes.note(&format!(
                "{tenant} has an n8n of its own. Until when what it had in the shared one is kept: rp9 tenants promotions {tenant}"
            ));
        }
        Ok(carried.exit)
    }

    /// What is not said is left to the API.
    fn body(&self) -> Result<Value, Failure> {
        let mut body = serde_json::to_value(&self.reason)?;
        if let Some(minutes) = self.ttl_minutes {
            body["ttl_minutes"] = json!(minutes);
        }
        if self.without_executions {
            body["include_executions"] = json!(false);
        }
        if let Some(window) = &self.window {
            body["window"] = json!(window);
        }
        Ok(body)
    }
}
