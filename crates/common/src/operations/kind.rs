//! What operations there are.

use std::time::Duration;

/// One sort of operation. Each has a saga of its own in the service that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    TenantCreate,
    TenantDelete,
    TenantHeal,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TenantCreate, Self::TenantDelete, Self::TenantHeal];

    /// The word in the API, the database, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantCreate => "tenant.create",
            Self::TenantDelete => "tenant.delete",
            Self::TenantHeal => "tenant.heal",
        }
    }

    /// Whether giving up, or being cancelled once it has started, means undoing. There is no way back from dropped data,
    /// so a removal goes on, or calls a person.
    pub const fn unwinds(self) -> bool {
        match self {
            Self::TenantCreate | Self::TenantHeal => true,
            Self::TenantDelete => false,
        }
    }

    /// How long it may take, waiting for broken dependencies included. A creation past it is undone: nobody waits an
    /// hour for an n8n. A removal is never undone; past its deadline a person is called. Healing ends early, because the
    /// reconciler looks again and begins anew.
    pub const fn deadline(self) -> Duration {
        match self {
            Self::TenantCreate => Duration::from_secs(60 * 60),
            Self::TenantDelete => Duration::from_secs(24 * 60 * 60),
            Self::TenantHeal => Duration::from_secs(10 * 60),
        }
    }
}

/// Every word that says how an operation is. The last three are its ends; `stuck` waits for a person.
pub const STATUSES: [&str; 7] =
    ["queued", "running", "undoing", "stuck", "succeeded", "rolled_back", "abandoned"];

impl std::str::FromStr for OperationKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is not a kind of operation known here"))
    }
}
