//! Making a backup: written, then read back. One that does not read back is none.

mod begin;
mod set;
mod tools;
mod verify;
mod write;

use common::{
    error::Kind,
    id::BackupId,
    operations::{Context, Saga, Step, StepError},
};
use objects::Key;
use time::OffsetDateTime;
use wire::{backups, kinds::TenantBackup};

use crate::World;
pub use tools::suit;

/// From a tenant's database to a set that was read back.
pub struct MakeBackup;

/// What came of it.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Made {
    /// Which one it is. Whoever has it made as a part of something else reads it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupId>,
    /// The moment all of it is of.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub taken_at: Option<OffsetDateTime>,
    /// What it takes in the store.
    #[serde(default)]
    pub bytes: u64,
}

type In<'a> = Context<'a, World, TenantBackup>;

impl Saga for MakeBackup {
    type World = World;
    type State = Made;
    type Request = TenantBackup;

    fn steps(&self, _: &TenantBackup) -> Vec<&dyn Step<Self>> {
        vec![&begin::Begin, &write::Write, &verify::Verify]
    }
}

/// What all objects of the set are below.
fn folder(context: &In<'_>) -> Result<Key, StepError> {
    let folder = backups::folder(context.tenant(), context.request().backup);
    folder.parse().map_err(|error| StepError::failed(Kind::Internal, format!("{folder}: {error}")))
}
