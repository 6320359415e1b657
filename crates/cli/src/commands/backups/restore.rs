//! `rp9 backups restore`

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::{
        accepted::{Accepted, carry_out},
        confirm::said_again,
    },
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Restore {
    /// Its id or subdomain
    tenant: String,
    /// Which one; the newest that can be restored when absent
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// Instead: the newest that was taken by then (`2026-08-01T12:00:00Z`)
    #[arg(long, value_name = "TIME", conflicts_with = "backup")]
    at: Option<String>,
    /// In the place of what the tenant has, instead of into a sandbox beside it
    #[arg(long)]
    in_place: bool,
    /// What ran does not come along
    #[arg(long)]
    without_executions: bool,
    /// In place: what the tenant has is gone then, with nothing kept of it
    #[arg(long, requires = "in_place")]
    without_safety_backup: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
}

impl Restore {
    /// Does it; in place once somebody has said so twice.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        if self.in_place && !self.yes && !self.is_meant(setting)? {
            return Err(Failure::Usage("Nothing was restored.".to_owned()));
        }
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "restore"]), key);
        let carried = carry_out(setting, &request.json(&self.body())?, &self.waiting, End::Succeeded).await?;
        if carried.exit == Exit::Done && !self.waiting.no_wait {
            setting.output.notes.note(&self.outcome(&carried.accepted));
        }
        Ok(carried.exit)
    }

    fn is_meant(&self, setting: &Setting) -> Result<bool, Failure> {
        let tenant = &self.tenant;
        let kept = match self.without_safety_backup {
            true => "nothing of that is kept, and there is no way back",
            false => "that is kept as a backup for 30 days",
        };
        let warning = format!("this puts a backup in the place of all that {tenant} has; {kept}");
        let unasked = "Restoring in place replaces all that the tenant has.";
        said_again(&setting.output.notes, tenant, &warning, unasked)
    }

    /// What is not said is left to the API, but for where to, which it wants to be told.
    fn body(&self) -> Value {
        let mut body = json!({ "restore_to_sandbox": !self.in_place });
        if let Some(backup) = &self.backup {
            body["backup_id"] = json!(backup);
        }
        if let Some(at) = &self.at {
            body["restore_point"] = json!(at);
        }
        if self.without_executions {
            body["include_executions"] = json!(false);
        }
        if self.without_safety_backup {
            body["safety_backup"] = json!(false);
        }
        body
    }

    /// What there is in the end, and what comes next.
    fn outcome(&self, accepted: &Accepted) -> String {
        if let (Some(url), Some(sandbox)) = (&accepted.sandbox_url, &accepted.sandbox) {
            return format!("It is at {url}. To remove it before its time: rp9 sandboxes delete {sandbox}");
        }
        let (tenant, backup) = (&self.tenant, accepted.backup_id.as_deref().unwrap_or("the backup"));
        let restored = format!("{tenant} was restored from {backup}.");
        if self.without_safety_backup {
            return restored;
        }
        format!(
            "{restored} What it had before, if that was not lost, is a backup of the type pre_restore: rp9 backups list {tenant}"
        )
    }
}
