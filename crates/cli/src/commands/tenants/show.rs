//! `rp9 tenants show`

use clap::Args;
use serde_json::Value;

use super::{beside::Beside, domain};
use crate::{
    api::{Request, path},
    exit::Exit,
    failure::Failure,
    output::{Column, Sheet, at, id, joined, moment, plain, status, text},
    setting::Setting,
};

pub(in crate::commands) const INSTANCES: &[Column] = &[
    id("INSTANCE", "/name"),
    status("STATE", "/state"),
    status("HEALTH", "/health"),
    text("RESTARTS", "/restarts"),
    text("CPU", "/cpu_cores").wide(),
    text("MEMORY MB", "/memory_mb").wide(),
    moment("SEEN", "/seen_at").wide(),
    text("OUT OF MEMORY", "/oom_kills").wide(),
];

#[derive(Debug, Args)]
pub struct Show {
    /// Its id or subdomain
    tenant: String,
}

impl Show {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let api = setting.api()?;
        let answer = api.send(&Request::get(path(&["tenants", &self.tenant]))).await?;
        let output = &setting.output;
        let Some(data) = output.data(&answer.body, "/tenant/id")? else { return Ok(Exit::Done) };
        let beside = Beside::of(&api, &output.notes, &data["tenant"]).await;
        output.sheet(sheet(&data, &beside))?;
        output.entries(INSTANCES, &data["instances"])?;
        Ok(Exit::Done)
    }
}

/// Since when, and what is wrong now.
fn unhealthy(health: &Value) -> String {
    let reasons = health["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wrong =
        if reasons.is_empty() { "well again, for less than two minutes".to_owned() } else { joined(reasons) };
    match health.get("since").filter(|since| !since.is_null()) {
        Some(since) => format!("since {}: {wrong}", at(Some(since))),
        None => wrong,
    }
}

fn sheet(data: &Value, beside: &Beside) -> Sheet {
    let tenant = |name: &str| data["tenant"].get(name);
    let limits = &data["limits"];
    let size = |of: &Value| {
        let figure = |name| plain(of.get(name));
        format!("{} cores, {} MB, {} workers", figure("cpu_cores"), figure("memory_mb"), figure("workers"))
    };
    let mut sheet = Sheet::new()
        .of("id", tenant("id"))
        .of("name", tenant("name"))
        .of("e-mail", tenant("email"))
        .state("status", tenant("status"))
        .of("failure", tenant("failure"));
    if let Some(under_way) = beside.under_way() {
        sheet = sheet.line("under way", under_way);
    }
    if let Some(health) = data.get("health").filter(|health| !health.is_null()) {
        sheet = sheet.state("health", health.get("status"));
        if health["status"] == "unhealthy" {
            sheet = sheet.line("unhealthy", unhealthy(health));
        }
        sheet = sheet.moment("healing paused until", health.get("healing_paused_until"));
    }
    sheet = domain::told(sheet.of("address", tenant("login_url")), &data["custom_domain"])
        .of("plan", tenant("plan"))
        .of("mode", tenant("mode"))
        .of("cluster", tenant("cluster"))
        .of("region", tenant("region"))
        .of("compliance", tenant("compliance"))
        .of("n8n", tenant("n8n_version"))
        .of("shares n8n", data.get("shared_instance"));
    if !limits["cpu_cores"].is_null() {
        sheet = sheet.line("has", size(limits));
    }
    if !limits["cpu_cores"].is_null() && !beside.ceilings.is_null() {
        sheet = sheet.line("may have", format!("up to {}", size(&beside.ceilings)));
    }
    let figure = |name| plain(limits.get(name));
    let executions =
        format!("{} at once, {} a month", figure("concurrent_executions"), figure("executions_per_month"));
    sheet
        .line("executions", executions)
        .line("storage", format!("{} GB", plain(tenant("storage_gb"))))
        .moment("last backup of", data.pointer("/backups/last_restorable_at"))
        .moment("last restored", data.pointer("/backups/last_proven_at"))
        .of("metadata", tenant("metadata"))
        .moment("created", tenant("created_at"))
        .moment("changed", tenant("updated_at"))
}
