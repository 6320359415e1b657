//! `/tenants`

pub mod backups;
pub mod blue_green;
pub mod create;
pub mod delete;
pub mod drills;
pub mod events;
pub mod failover;
pub mod failovers;
pub mod held;
pub mod initial_login;
pub mod list;
pub mod logs;
mod operate;
pub mod promote;
pub mod promotions;
pub mod reset_login;
pub mod restore;
pub mod rollback;
pub mod scale;
pub mod show;
pub mod update;
pub mod upgrade;
pub mod usage;
pub mod verbs;
pub mod verify_domain;

use serde::Serialize;
use utoipa::ToSchema;

/// One thing, as every answer wraps it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Data<T> {
    pub data: T,
}
