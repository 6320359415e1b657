//! `rp9 backups drills`

use clap::Args;
use serde_json::Value;

use crate::{
    api::path,
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, status, text},
    setting::Setting,
};

const COLUMNS: &[Column] = &[
    id("ID", "/id"),
    moment("HELD", "/drill_date"),
    status("RESULT", "/result"),
    text("BACKUP", "/backup_tested"),
    made("RTO", |drill| minutes(drill.get("rto_minutes"))),
    text("DATA", "/data_integrity"),
    made("ISSUES", |drill| issues(drill.get("issues_found"))),
    text("OPERATION", "/operation_id").wide(),
];

#[derive(Debug, Args)]
pub struct Drills {
    /// Its id or subdomain
    tenant: String,
    #[command(flatten)]
    length: Length,
}

impl Drills {
    /// Shows them.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let path = path(&["tenants", &self.tenant, "restore-drills"]);
        let listing =
            Listing { path: &path, filters: Vec::new(), columns: COLUMNS, id: "/id", things: "drills" };
        listing.show(setting, self.length.limit()).await
    }
}

fn minutes(minutes: Option<&Value>) -> String {
    minutes.and_then(Value::as_f64).map_or_else(String::new, |minutes| format!("{minutes:.1} min"))
}

fn issues(issues: Option<&Value>) -> String {
    let issues = issues.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    issues.collect::<Vec<_>>().join(" ")
}
