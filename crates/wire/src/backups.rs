//! The words of backups.

use std::time::Duration;

use common::id::{BackupId, TenantId};
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use time::{OffsetDateTime, macros::format_description};

/// Why a backup is made, which says how long it is kept.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum BackupType {
    Daily,
    Weekly,
    Monthly,
    Manual,
    PreMigration,
    PreUpgrade,
    PreRestore,
    /// The last one, before its tenant is removed.
    Final,
}

/// What goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Includes {
    /// Without it nothing can be restored as a whole.
    pub database: bool,
    /// As n8n exports them.
    pub workflows: bool,
    /// As n8n exports them: encrypted with its own key.
    pub credentials: bool,
    /// Of the database: files that executions and people left.
    pub files: bool,
    /// Of the database: what ran.
    pub executions: bool,
}

impl Default for Includes {
    fn default() -> Self {
        Self { database: true, workflows: true, credentials: true, files: true, executions: true }
    }
}

impl BackupType {
    /// Every type.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API, the database and metrics.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// How long one is kept unless somebody says otherwise, in days: the contract's 7 days, 4 weeks and 12 months, and a month for what is made
    /// before something is done.
    pub const fn retention_days(self) -> u16 {
        match self {
            Self::Daily => 7,
            Self::Weekly => 28,
            Self::Monthly => 366,
            Self::Manual | Self::PreMigration | Self::PreUpgrade | Self::PreRestore | Self::Final => 30,
        }
    }
}

/// The longest that a backup is kept: ten years.
pub const LONGEST_RETENTION_DAYS: u16 = 3_650;

/// Below what all backups of this tenant are.
pub fn folder_of(tenant: TenantId) -> String {
    format!("tenants/{tenant}/backups")
}

/// What all objects of a backup are below: when it was asked for, in UTC, and what tells it from another of that second.
pub fn folder(tenant: TenantId, backup: BackupId) -> String {
    let (asked_at, digits) = (asked_at(backup), backup.digits());
    let stamp = asked_at.format(format_description!("[year][month][day]T[hour][minute][second]Z"));
    // A moment that was read from 48 bits of milliseconds has four digits for its year.
    let (stamp, tail) = (stamp.unwrap_or_default(), digits.get(24..).unwrap_or_default());
    format!("{}/{stamp}-{tail}", folder_of(tenant))
}

/// The moment that is a part of the id.
fn asked_at(backup: BackupId) -> OffsetDateTime {
    let since = backup.uuid().get_timestamp().map_or((0, 0), |moment| moment.to_unix());
    OffsetDateTime::UNIX_EPOCH + Duration::new(since.0, since.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_same_each_time_and_says_when() {
        let tenant = "ten_01a20000000070008000000000000001".parse().unwrap();
        let backup = "bak_01a221efbe637773b6d4b49c461a5d38".parse().unwrap();
        let told = "tenants/ten_01a20000000070008000000000000001/backups/20261128T113449Z-461a5d38";
        assert_eq!(folder(tenant, backup), told);
        assert_ne!(folder(tenant, BackupId::generate()), folder(tenant, BackupId::generate()));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for backup_type in BackupType::ALL {
            assert_eq!(backup_type.as_str().parse(), Ok(*backup_type));
            assert_eq!(serde_json::to_value(backup_type).unwrap(), backup_type.as_str());
            assert!((1..=LONGEST_RETENTION_DAYS).contains(&backup_type.retention_days()));
        }
    }

    #[test]
    fn what_is_not_said_goes_along_and_what_is_misspelt_is_refused() {
        let includes: Includes = serde_json::from_str(r#"{"executions": false}"#).unwrap();
        assert_eq!(includes, Includes { executions: false, ..Includes::default() });
        assert!(serde_json::from_str::<Includes>(r#"{"execution": false}"#).is_err());
    }
}
