//! `/shared-instances`: the n8ns that tenants share.

pub mod create;
pub mod delete;
pub mod list;
pub mod rebuild;
pub mod steer;

use common::{id::TenantId, tenant::TenantStatus};

use crate::{
    app::App,
    auth::absent_shared_instance,
    problem::{Answered, Code, Problem},
    shared_instances::removal_under_way,
    store::shared_instances::{SharedInstance, find},
};

/// Read anew: what was found when the request came in may have changed since. One that is gone, or goes, is why nothing is done to it.
async fn still_there(app: &App, id: TenantId) -> Answered<SharedInstance> {
    let instance = find(&app.statements, id).await?.ok_or_else(absent_shared_instance)?;
    match instance.status.0 {
        TenantStatus::Deleted => Err(Problem::new(Code::TenantDeleted)),
        TenantStatus::Deleting => Err(removal_under_way()),
        TenantStatus::Provisioning
        | TenantStatus::Active
        | TenantStatus::Suspended
        | TenantStatus::Migrating
        | TenantStatus::Failed => Ok(instance),
    }
}
