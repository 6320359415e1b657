//! What is known of a key that is good.

use std::fmt;

use common::id::KeyId;
use time::OffsetDateTime;

use super::{KeyScope, Role, Scope};

/// A key that was not revoked.
#[derive(PartialEq, Eq)]
pub struct LiveKey {
    pub(super) id: KeyId,
    pub(super) hash: [u8; 32],
    pub(super) role: Role,
    pub(super) scope: Scope,
    pub(super) scopes: Vec<KeyScope>,
    pub(super) ancestors: Vec<KeyId>,
    pub(super) expires_at: OffsetDateTime,
}

impl LiveKey {
    /// Which one it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What it may do, beside its role.
    pub fn scopes(&self) -> &[KeyScope] {
        &self.scopes
    }

    /// When it ends.
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// What a key that is made with this one is dead without: this one among them.
    pub fn line(&self) -> Vec<KeyId> {
        self.ancestors.iter().copied().chain([self.id]).collect()
    }
}

impl fmt::Debug for LiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveKey").field(&self.id).finish()
    }
}
