//! Tenants as callers describe them and as they are shown.

mod claim;
mod compliance;
mod custom_domain;
mod email;
mod filter;
mod health;
mod in_the_way;
mod metadata;
mod named;
mod new_tenant;
mod next_step;
mod offered;
mod patch;
mod patched;
mod period;
mod room;
pub mod scaling;
mod usage;
mod view;
pub mod words;

pub use claim::ClaimView;
pub use custom_domain::CustomDomain;
pub use email::Email;
pub use filter::Filter;
pub use health::TenantHealth;
pub use in_the_way::in_the_way;
pub use named::TenantName;
pub use new_tenant::NewTenant;
pub use next_step::{next_step, nobody_signs_in};
pub use offered::{ClusterName, PlanName, Region, Rules};
pub use patch::{PLACING, TenantPatch, misplaced};
pub use period::{Period, Resolution, Zone};
pub use room::{no_place, obstacle};
pub use usage::{ExecutionsByKind, Measures, MonthUsage, UsageByKind, UsageInterval, intervals};
pub use view::{InstanceView, LimitsView, TenantView};
