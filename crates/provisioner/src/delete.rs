//! Deleting a tenant. Done only when the real inventory says that nothing is left.

mod containers;
mod data;
mod final_backup;
mod final_state;
mod forget;
mod network;
mod unroute;
mod verify;

use common::{
    id::BackupId,
    operations::{Saga, Step},
};
use n8n::databases::Counts;
use time::OffsetDateTime;
use wire::kinds::TenantDelete;

use crate::World;

pub use containers::{remove_all, remove_containers};
pub use data::{count, count_instance, describe};
pub use unroute::confirm_gone;
pub use verify::leftovers;

/// From whatever there is of a tenant to nothing.
pub struct DeleteTenant;

/// What stays on record of a deleted tenant.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Removal {
    /// What its n8n held at the end; absent when there was no n8n any more, or it could not be counted.
    pub final_state: Option<Counts>,
    /// Why it could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_counted: Option<String>,
    /// What has its data, if it had any of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_backup: Option<BackupId>,
    /// Since when executions in an n8n that it shares are let end.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub draining_since: Option<OffsetDateTime>,
}

impl Saga for DeleteTenant {
    type World = World;
    type State = Removal;
    type Request = TenantDelete;

    fn steps(&self, request: &TenantDelete) -> Vec<&dyn Step<Self>> {
        let mut steps: Vec<&dyn Step<Self>> =
            vec![&final_state::FinalState, &unroute::Unroute, &containers::RemoveContainers];
        // Once nothing of it runs any more: what it holds then is what it held in the end.
        if request.final_backup {
            steps.push(&final_backup::FinalBackup);
        }
        steps.extend([
            &network::RemoveNetwork as &dyn Step<Self>,
            &data::RemoveData,
            &verify::Verify,
            &forget::Forget,
        ]);
        steps
    }
}
