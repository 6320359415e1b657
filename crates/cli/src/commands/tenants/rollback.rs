//! `rp9 tenants rollback`

use clap::Args;
use reqwest::Method;
use serde_json::json;

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
pub struct Rollback {
    /// Its id or subdomain
    tenant: String,
    /// What moved it (`rp9 tenants promotions`)
    #[arg(value_name = "PROMOTION")]
    promotion_id: String,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

impl Rollback {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "rollback"]), key);
        let mut body = serde_json::to_value(&self.reason)?;
        body["promotion_id"] = json!(self.promotion_id);
        let carried = carry_out(setting, &request.json(&body)?, &self.waiting, End::Succeeded).await?;
        if carried.exit == Exit::Done && !self.waiting.no_wait {
            let tenant = &self.tenant;
            setting.output.notes.note(&format!(
                "{tenant} is where it was. What it did in its own n8n was not carried back: rp9 --json tenants promotions {tenant}"
            ));
        }
        Ok(carried.exit)
    }
}
