//! What somebody can be to the platform.

use std::{fmt, str::FromStr};

/// What somebody is to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the platform.
    Admin,
    /// Runs it day by day.
    Operator,
    /// Another program of ours: the portal, a function.
    Service,
    /// A customer: sees some tenants and nothing else.
    Owner,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[Self::Admin, Self::Operator, Self::Service, Self::Owner];

    /// The word in tokens, the audit log and the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|role| role.as_str() == text);
        known.copied().ok_or("a role is one of: admin, operator, service, owner")
    }
}
