//! Tenants as callers describe them and as they are shown.

mod address;
mod email;
mod filter;
mod health;
mod metadata;
mod named;
mod new_tenant;
mod room;
pub mod scaling;
mod version;
mod view;
pub mod words;

pub use address::PublicAddress;
pub use email::Email;
pub use filter::read_filter;
pub use health::TenantHealth;
pub use named::{TENANT_NAME, TenantName};
pub use new_tenant::{NewTenant, NewTenantBody, Rules};
pub use room::obstacle;
pub use version::N8nVersion;
pub use view::{InstanceView, LimitsView, TenantView};
