//! `/upgrades`: a later release of n8n for many tenants.

pub mod cancel;
pub mod create;
pub mod list;
pub mod show;

use crate::auth::{Access, Role};

/// Those who may see how rollouts are.
#[derive(Debug)]
pub enum ReadRollouts {}

impl Access for ReadRollouts {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
}
