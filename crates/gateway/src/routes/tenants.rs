//! `/tenants`

pub mod create;
pub mod delete;
pub mod initial_login;
pub mod list;
pub mod logs;
pub mod reset_login;
pub mod show;

use serde::Serialize;
use utoipa::ToSchema;

/// One thing, as every answer wraps it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Data<T> {
    pub data: T,
}
