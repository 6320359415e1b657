//! `rp9 backups create`

use clap::{Args, ValueEnum};
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
pub struct Create {
    /// Its id or subdomain
    tenant: String,
    /// Why it is made, which says how long it is kept; `manual` when absent
    #[arg(long = "type", value_name = "TYPE")]
    backup_type: Option<BackupType>,
    /// What does not go along; may be given several times
    #[arg(long, value_name = "WHAT")]
    without: Vec<Part>,
    /// For how many days it is kept: 1 to 3650; as its type has it when absent
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: Option<u16>,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

/// Why a backup is made.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum BackupType {
    /// Kept for 30 days
    Manual,
    /// For 7 days
    Daily,
    /// For 4 weeks
    Weekly,
    /// For a year
    Monthly,
    /// Before the tenant moves; for 30 days
    PreMigration,
    /// Before n8n is upgraded; for 30 days
    PreUpgrade,
}

/// What goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// And with it files and executions: nothing can be restored as a whole then
    Database,
    /// As n8n exports them
    Workflows,
    /// As n8n exports them
    Credentials,
    /// What executions and people left
    Files,
    /// What ran
    Executions,
}

impl BackupType {
    /// The API's word.
    const fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::PreMigration => "pre_migration",
            Self::PreUpgrade => "pre_upgrade",
        }
    }
}

impl Part {
    const fn field(self) -> &'static str {
        match self {
            Self::Database => "includes_database",
            Self::Workflows => "includes_workflows",
            Self::Credentials => "includes_credentials",
            Self::Files => "includes_files",
            Self::Executions => "includes_executions",
        }
    }
}

impl Create {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["tenants", &self.tenant, "backup"]), key);
        let carried =
            carry_out(setting, &request.json(&self.body()?)?, &self.waiting, End::Succeeded).await?;
        if let (Exit::Done, false, Some(backup)) =
            (carried.exit, self.waiting.no_wait, &carried.accepted.backup_id)
        {
            setting.output.notes.note(&format!("It was read back. What is in it: rp9 backups show {backup}"));
        }
        Ok(carried.exit)
    }

    /// What is not said is left to the API.
    fn body(&self) -> Result<Value, Failure> {
        let mut body = serde_json::to_value(&self.reason)?;
        if let Some(backup_type) = self.backup_type {
            body["backup_type"] = backup_type.word().into();
        }
        for part in &self.without {
            body[part.field()] = json!(false);
        }
        if let Some(days) = self.days {
            body["retention_days"] = days.into();
        }
        Ok(body)
    }
}
