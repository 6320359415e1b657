//! The words of the tenants' domain: each can only be made by parsing, so code that holds one need not check it.

mod status;
mod subdomain;

pub use status::{Color, Mode, TenantStatus, UnknownWord};
pub use subdomain::{Subdomain, SubdomainError};

/// Whether a text can name what a tenant or a cluster complies with, such as `gdpr`.
pub fn is_compliance_tag(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}
