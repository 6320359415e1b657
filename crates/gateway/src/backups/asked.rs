//! What somebody asks for who wants a backup.

use common::id::BackupId;
use serde_json::{Value, json};
use wire::{
    backups::{BackupType, Includes, LONGEST_RETENTION_DAYS},
    kinds::TenantBackup,
};

use crate::{
    http::{
        fields::{Fault, Field, Text},
        request::request,
    },
    problem::{FieldError, Pointer, Problem},
    tenants::words::Reason,
};

request! {
    /// What goes along, and for how long it is kept. What is not named goes along.
    pub struct BackupAsked: Request {
        /// `manual` when absent. It says how long the backup is kept unless `retention_days` does.
        #[example = "manual"]
        backup_type: Option<AskedType>,
        /// Without it nothing can be restored as a whole.
        includes_database: Option<bool>,
        /// As n8n exports them.
        includes_workflows: Option<bool>,
        /// As n8n exports them: encrypted with its own key.
        includes_credentials: Option<bool>,
        /// Of the database: files that executions and people left.
        includes_files: Option<bool>,
        /// Of the database: what ran.
        includes_executions: Option<bool>,
        /// From 1 to 3650.
        #[example = 30]
        retention_days: Option<RetentionDays>,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "Before the great clean-up."]
        reason: Option<Reason>,
    }
}

/// Types that somebody may ask for; the others belong to what they are made before.
#[derive(Debug, Clone, Copy)]
pub struct AskedType(BackupType);

#[derive(Debug, Clone, Copy)]
pub struct RetentionDays(u16);

impl AskedType {
    const ALL: [BackupType; 6] = [
        BackupType::Manual,
        BackupType::Daily,
        BackupType::Weekly,
        BackupType::Monthly,
        BackupType::PreMigration,
        BackupType::PreUpgrade,
    ];

    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|asked| asked.as_str()).collect()
    }
}

impl Text for AskedType {
    fn parse(text: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|asked| asked.as_str() == text);
        let unknown = || Fault::new("unknown_word", format!("must be one of: {}", Self::words().join(", ")));
        found.map(Self).ok_or_else(unknown)
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::words() })
    }
}

impl<R> Field<R> for RetentionDays {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let days = value.as_u64().and_then(|days| u16::try_from(days).ok());
        let days = days.filter(|days| (1..=LONGEST_RETENTION_DAYS).contains(days));
        days.map(Self).ok_or_else(|| {
            Fault::new("out_of_range", format!("must be a whole number from 1 to {LONGEST_RETENTION_DAYS}"))
        })
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": LONGEST_RETENTION_DAYS })
    }
}

impl BackupAsked {
    /// The operation's request. Fails if nothing goes along.
    pub fn request(&self) -> Result<TenantBackup, Problem> {
        let backup_type = self.backup_type.map_or(BackupType::Manual, |AskedType(asked)| asked);
        let includes = Includes {
            database: self.includes_database.unwrap_or(true),
            workflows: self.includes_workflows.unwrap_or(true),
            credentials: self.includes_credentials.unwrap_or(true),
            files: self.includes_files.unwrap_or(true),
            executions: self.includes_executions.unwrap_or(true),
        };
        if !(includes.database || includes.workflows || includes.credentials) {
            let detail = "at least one of `includes_database`, `includes_workflows` and `includes_credentials` is needed";
            return Err(Problem::fields(vec![FieldError::new(Pointer::root(), "nothing_asked_for", detail)]));
        }
        let retention_days =
            self.retention_days.map_or(backup_type.retention_days(), |RetentionDays(days)| days);
        Ok(TenantBackup { backup: BackupId::generate(), backup_type, includes, retention_days })
    }
}
