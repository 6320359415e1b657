//! How often tenants' hosts were called, as the proxy counts it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use common::error::{Classify, Kind};
use time::OffsetDateTime;

use crate::{Host, document::OWN_WEBHOOKS};

mod exposition;
mod http;
mod sides;

pub use exposition::{ReadingError, read};
pub use http::{HttpCounters, HttpCountersError};
pub use sides::{Answers, SideService};

/// A series of the proxy's: what counts by itself, and begins anew by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// The router, as the proxy names it.
    pub router: String,
    /// What it led to.
    pub service: String,
}

/// What one proxy has counted since it began.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// When the proxy's process began: its counters did, too.
    pub started_at: OffsetDateTime,
    /// Calls of tenants' hosts that their n8n answered, by the way they came. A way that nobody took has none.
    pub calls: BTreeMap<Way, u64>,
    /// What each side answered. One that was not called has none.
    pub sides: BTreeMap<SideService, Answers>,
}

impl Way {
    /// Whose host it is. `None`: nobody's, such as what is refused on every host.
    pub fn host(&self) -> Option<Host> {
        let name = self.router.strip_suffix("@http")?;
        // No host has an underscore; what else belongs to a host is refused, private or the platform's.
        let kinds = ["_former_webhooks", OWN_WEBHOOKS, "_webhooks"];
        let name = kinds.iter().find_map(|kind| name.strip_suffix(kind)).unwrap_or(name);
        name.parse().ok()
    }
}

/// One proxy's counters.
#[async_trait]
pub trait CallCounters: Send + Sync {
    /// All of them, as they are.
    async fn read(&self) -> Result<Reading, CountersError>;
}

/// Why they were not read. All of these may pass.
#[derive(Debug, thiserror::Error)]
pub enum CountersError {
    #[error("the edge does not tell what it has counted")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the edge answers {0} where it tells what it has counted")]
    Refused(u16),
    #[error("what the edge has counted cannot be read")]
    Garbled(#[from] ReadingError),
}

impl Classify for CountersError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) | Self::Refused(_) | Self::Garbled(_) => Kind::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_routers_that_lead_to_a_tenant_have_a_host() {
        let host = |router: &str| {
            let way = Way { router: router.to_owned(), service: String::new() };
            way.host().map(|host| host.as_str().to_owned())
        };
        for router in [
            "acme.rp9.example@http",
            "acme.rp9.example_webhooks@http",
            "acme.rp9.example_former_webhooks@http",
            "acme.rp9.example_own_webhooks@http",
        ] {
            assert_eq!(host(router).as_deref(), Some("acme.rp9.example"), "{router}");
        }
        for router in [
            "acme.rp9.example_refuse@http",
            "acme.rp9.example_resume@http",
            "unknown_host@http",
            "plain_text@http",
            "shared_refuse@http",
            "metrics@file",
            "prometheus@internal",
            "",
        ] {
            assert_eq!(host(router), None, "{router}");
        }
    }
}
