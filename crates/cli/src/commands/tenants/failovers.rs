//! `rp9 tenants failovers`

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
    id("OPERATION", "/operation_id"),
    status("STATUS", "/status"),
    moment("ASKED FOR", "/asked_at"),
    moment("ENDED", "/ended_at"),
    made("CALLERS WAITED", |failover| waited(failover.get("held_seconds"))),
    text("FROM", "/source"),
    text("WORKFLOWS", "/workflows"),
    moment("OWN N8N KEPT UNTIL", "/retire_at"),
    text("BACKUP", "/backup_id").wide(),
    moment("REMOVED", "/retired_at").wide(),
];

#[derive(Debug, Args)]
pub struct Failovers {
    /// Its id or subdomain
    tenant: String,
}

impl Failovers {
    /// Shows them, and what did not come along with the last.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = Request::get(path(&["tenants", &self.tenant, "failovers"]));
        let answer = setting.api()?.send(&request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        let failovers = document["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        listing::show(&setting.output, COLUMNS, "/operation_id", "failovers", failovers)?;
        let missing = failovers.first().and_then(|last| last["missing"].as_array());
        for one in missing.into_iter().flatten() {
            let (what, why) = (plain(one.get("what")), plain(one.get("why")));
            setting.output.notes.note(&format!("Not there: {what} ({why})."));
        }
        Ok(Exit::Done)
    }
}

fn waited(seconds: Option<&Value>) -> String {
    seconds.and_then(Value::as_f64).map_or_else(|| plain(seconds), span)
}
