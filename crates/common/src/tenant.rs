//! The words of the tenants' domain: each can only be made by parsing, so code that holds one need not check it.

mod status;
mod subdomain;

pub use status::{Color, Mode, TenantStatus, UnknownWord};
pub use subdomain::{Subdomain, SubdomainError};
