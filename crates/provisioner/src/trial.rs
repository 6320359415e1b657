//! What is going to be done to a tenant's database is done to a copy of it first, while the tenant works on.

use std::time::Duration;

use common::{
    error::Kind,
    id::BackupId,
    operations::{Context, StepError, TenantRequest},
};
use engine::Finished;
use n8n::Version;
use wire::{
    backups::BackupType,
    kinds::{TenantBackup, TenantLoad},
};

use crate::{World, beside, delete::remove_containers};

/// Migrations of large tables take long, and an engine may have to fetch the image first.
pub const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// For each of both releases.
const TIMEOUT: Duration = Duration::from_secs(50 * 60);

type In<'a, R> = Context<'a, World, R>;

/// What is known of a tenant before its release changes.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Trial {
    /// What it runs.
    #[serde(default)]
    pub from: Option<Version>,
    /// Made before anything is done.
    #[serde(default)]
    pub backup: Option<BackupId>,
    /// What the rehearsal showed.
    #[serde(default)]
    pub way_back: Option<WayBack>,
}

/// How a tenant gets back to the release that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// That release starts on what the new one has made of the database: nothing that happened since is lost.
    ReRoute,
    /// It does not: the database as it was before takes the place of the one that was changed.
    Snapshot,
}

impl WayBack {
    /// The word in the state and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReRoute => "re_route",
            Self::Snapshot => "snapshot",
        }
    }
}

impl Trial {
    /// Notes what the tenant runs, and which backup is going to be made; once.
    pub fn of(&mut self, runs: Version) {
        self.from.get_or_insert(runs);
        self.backup.get_or_insert_with(BackupId::generate);
    }

    /// What the tenant ran before.
    pub fn from(&self) -> Result<Version, StepError> {
        self.from
            .ok_or_else(|| StepError::failed(Kind::Internal, "it is not known which release the tenant ran"))
    }

    fn backup(&self) -> Result<BackupId, StepError> {
        self.backup
            .ok_or_else(|| StepError::failed(Kind::Internal, "it is not known which backup was made before"))
    }
}

/// There is a backup of before, which was read back. It stays, whatever becomes of the rest. A part of the step that asks for it.
pub async fn back_up(context: &In<'_, impl TenantRequest>, trial: &Trial) -> Result<(), StepError> {
    let asked = TenantBackup::of(trial.backup()?, BackupType::PreUpgrade);
    context.ensure_child(&asked).await.map(drop)
}

/// That backup is in a database beside the tenant's. A part of the step that asks for it.
pub async fn load(context: &In<'_, impl TenantRequest>, trial: &Trial) -> Result<(), StepError> {
    let backup = trial.backup()?;
    context.ensure_child(&TenantLoad { backup, executions: true, beside: true }).await.map(drop)
}

/// The new release has brought the copy to its tables, and it is known whether the former one starts on it. Nothing of the copy is left.
pub async fn rehearse(
    context: &In<'_, impl TenantRequest>,
    trial: &mut Trial,
    wanted: Version,
) -> Result<(), StepError> {
    // Once it is known the copy is being removed, and may be gone.
    if trial.way_back.is_none() {
        let brought = start_on_copy(context, wanted).await?;
        if brought.exit_code != 0 {
            tracing::warn!(tenant_id = %context.tenant(), logs = brought.logs_tail, "a new release failed on a copy of the tenant's database");
            let detail = format!(
                "n8n {wanted} ends with code {} on a copy of the tenant's database. Nothing of the tenant was touched.",
                brought.exit_code
            );
            return Err(StepError::failed(Kind::Upstream, detail)
                .with_hint("The provisioner's log has the end of what it said."));
        }
        let starts = start_on_copy(context, trial.from()?).await?.exit_code == 0;
        let way_back = if starts { WayBack::ReRoute } else { WayBack::Snapshot };
        tracing::info!(tenant_id = %context.tenant(), way_back = way_back.as_str(), "an upgrade was rehearsed");
        trial.way_back = Some(way_back);
    }
    beside::clear(context).await
}

/// Brings the copy to this release's tables, where that is the later one, and reads what is in it.
async fn start_on_copy(
    context: &In<'_, impl TenantRequest>,
    version: Version,
) -> Result<Finished, StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    let spec = blueprint.rehearsal(version);
    Ok(context.fenced().await?.containers.run_once(&spec, TIMEOUT).await?)
}

/// One that was begun and whose end nobody waited for.
pub async fn stop_rehearsing(
    context: &In<'_, impl TenantRequest>,
    trial: &Trial,
    wanted: Version,
) -> Result<(), StepError> {
    let blueprint = context.observe().blueprint(context.database(), context.tenant()).await?;
    let versions = [Some(wanted), trial.from].into_iter().flatten();
    remove_containers(context, versions.map(|version| blueprint.rehearsal(version).name)).await
}
