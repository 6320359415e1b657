//! The words of the tenants' domain: each can only be made by parsing, so code that holds one need not check it.

mod execution;
mod status;
mod subdomain;

pub use execution::{ExecutionKind, HOURS_KEPT};
pub use status::{Color, Mode, Purpose, TenantStatus, UnknownWord};
pub use subdomain::{Subdomain, SubdomainError};

/// What a tenant or a cluster complies with, such as `gdpr`: in small letters, because capitals mean the same. `None`: the text names
/// nothing of that kind.
pub fn compliance_tag(text: &str) -> Option<String> {
    let tag = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    tag.then(|| text.to_ascii_lowercase())
}

/// The name below a customer's own domain whose texts say whose it is. Not the domain itself: an alias has no texts beside it.
pub const CHALLENGE: &str = "_rp9-challenge";
