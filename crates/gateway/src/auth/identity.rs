//! Who somebody is.

use std::{sync::Arc, time::Duration};

use common::clock;

use super::{LiveKey, Role, Scope};

const MAX_REST: i64 = 7 * 24 * 60 * 60;

/// Who is asking, as their token or key proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub(super) subject: String,
    pub(super) role: Role,
    pub(super) scope: Scope,
    /// Accepted up to this moment, in Unix seconds.
    pub(super) until: i64,
    /// What they came with, if it is no token.
    pub(super) key: Option<Arc<LiveKey>>,
}

impl Identity {
    /// Who it is, for the audit log and as the owner of idempotency keys.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What they are to the platform.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Which tenants exist as far as they are concerned.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The key they came with. `None`: a token, whose role says all that they may.
    pub fn key(&self) -> Option<&LiveKey> {
        self.key.as_deref()
    }

    /// For how long the token or key will be accepted still.
    pub fn valid_for(&self) -> Duration {
        let seconds = self.until.saturating_sub(clock::now().unix_timestamp());
        // Nothing lasts longer than a week in one piece, whatever a token says.
        Duration::from_secs(seconds.clamp(0, MAX_REST).unsigned_abs())
    }
}
