//! `rp9 backups drill`

use clap::Args;
use reqwest::Method;
use serde_json::json;

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::accepted::carry_out,
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Drill {
    /// Its id or subdomain
    tenant: String,
    #[command(flatten)]
    waiting: Waiting,
}

impl Drill {
    /// Has one held.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "restore-drill"]), key);
        let carried = carry_out(setting, &request.json(&json!({}))?, &self.waiting, End::Succeeded).await?;
        if let (Exit::Done, false, Some(backup)) =
            (carried.exit, self.waiting.no_wait, &carried.accepted.backup_id)
        {
            let told =
                format!("{backup} can be restored. What was found: rp9 backups drills {}", self.tenant);
            setting.output.notes.note(&told);
        }
        Ok(carried.exit)
    }
}
