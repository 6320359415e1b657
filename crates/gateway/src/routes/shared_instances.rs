//! `/shared-instances`: the n8ns that tenants share.

pub mod create;
pub mod delete;
pub mod list;
pub mod rebuild;
pub mod steer;
