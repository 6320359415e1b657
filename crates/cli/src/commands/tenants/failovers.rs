//! `rp9 tenants failovers`

use clap::Args;

use crate::{
    api::{Request, path},
    commands::listing::Whole,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, plain, seconds, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("OPERATION", "/operation_id"),
    status("STATUS", "/status"),
    moment("ASKED FOR", "/asked_at"),
    moment("ENDED", "/ended_at"),
    made("CALLERS WAITED", |failover| seconds(failover.get("held_seconds"))),
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
        let list = Whole { at: "/data", columns: COLUMNS, id: "/operation_id", things: "failovers" };
        let failovers = list.show(setting, &request).await?;
        let missing = failovers.first().and_then(|last| last["missing"].as_array());
        for one in missing.into_iter().flatten() {
            let (what, why) = (plain(one.get("what")), plain(one.get("why")));
            setting.output.notes.note(&format!("Not there: {what} ({why})."));
        }
        Ok(Exit::Done)
    }
}
