//! `rp9 tenants promotions`

use clap::Args;
use serde_json::Value;

use crate::{
    api::{Request, path},
    commands::listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, plain, span, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("ID", "/promotion_id"),
    status("STATUS", "/status"),
    moment("ASKED FOR", "/asked_at"),
    moment("ENDED", "/ended_at"),
    made("CALLERS WAITED", |promotion| waited(promotion.get("freeze_seconds"))),
    moment("FORMER KEPT UNTIL", "/retire_at"),
    moment("REMOVED", "/retired_at"),
    text("BACKUP", "/backup_id").wide(),
    text("OPERATION", "/operation_id").wide(),
];

#[derive(Debug, Args)]
pub struct Promotions {
    /// Its id or subdomain
    tenant: String,
}

impl Promotions {
    /// Shows them.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = Request::get(path(&["tenants", &self.tenant, "promotions"]));
        let answer = setting.api()?.send(&request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        let promotions = document["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        listing::show(&setting.output, COLUMNS, "/promotion_id", "promotions", promotions)?;
        Ok(Exit::Done)
    }
}

fn waited(seconds: Option<&Value>) -> String {
    seconds.and_then(Value::as_f64).map_or_else(|| plain(seconds), span)
}
