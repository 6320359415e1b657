//! Ending a key.

use super::{Steerable, Steering, steering};
use crate::{
    auth::{Role, absent_key},
    problem::Problem,
    store::{accept::Accepting, keys::ApiKey},
};

/// A key to be revoked.
#[derive(Debug)]
pub struct RevokeKey {
    noted: String,
}

impl RevokeKey {
    pub fn new(key: &ApiKey) -> Self {
        Self { noted: format!("{}, {}", key.id, key.name) }
    }
}

impl Steerable for ApiKey {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

impl Steering for RevokeKey {
    type Target = ApiKey;
    // One that is revoked stays as it is, with who revoked it first.
    const STATEMENT: &'static str = steering!(
        possible: "select from api_keys k where k.id = $8 for update of k",
        effect: "key_revoked as (
                 update api_keys k
                    set revoked_at = coalesce(k.revoked_at, now()),
                        revoked_by = case when k.revoked_at is null then $1 else k.revoked_by end
                   from accepted
                  where k.id = $8
                 returning k.id
             )",
        changed: "select null::uuid as tenant_id, null::uuid as operation_id from key_revoked",
    );
    const ACTION: &'static str = "key.revoke";
    const ROLES: &'static [Role] = Role::ALL;

    fn reason(&self) -> Option<&str> {
        Some(&self.noted)
    }

    /// Rows of keys stay.
    fn refusal(_: &ApiKey) -> Problem {
        absent_key()
    }
}
