//! `rp9 tenants failover`

use clap::Args;
use reqwest::Method;
use serde_json::json;

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::{accepted::carry_out, reason::Reason},
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Failover {
    /// Its id or subdomain
    tenant: String,
    /// From this backup. Otherwise from its own database, or the newest backup where that cannot be read
    #[arg(long, value_name = "BACKUP")]
    backup: Option<String>,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    waiting: Waiting,
}

impl Failover {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "failover"]), key);
        let mut body = serde_json::to_value(&self.reason)?;
        body["target"] = json!("shared");
        if let Some(backup) = &self.backup {
            body["backup_id"] = json!(backup);
        }
        let carried = carry_out(setting, &request.json(&body)?, &self.waiting, End::Succeeded).await?;
        if carried.exit == Exit::Done && !self.waiting.no_wait {
            let tenant = &self.tenant;
            setting.output.notes.note(&format!(
                "{tenant} lives in a shared n8n. What did not come along: rp9 tenants failovers {tenant}. How its people sign in: rp9 tenants login {tenant}. The way back: rp9 tenants promote {tenant}"
            ));
        }
        Ok(carried.exit)
    }
}
