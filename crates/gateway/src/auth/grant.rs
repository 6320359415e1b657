//! What a new key may do: never more than whoever makes it.

use std::time::Duration;

use common::id::TenantId;
use time::OffsetDateTime;

use super::{Identity, KeyScope, Role};
use crate::{
    keys::NewKey,
    problem::{FieldError, Pointer, Problem},
    tenants::words::Name,
};

/// As long as a token may last.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// A key, one made with it, and so on.
const LONGEST_LINE: usize = 8;

/// A key to be, as it is granted.
#[derive(Debug)]
pub struct Grant {
    pub name: Name,
    pub role: Role,
    /// Of an owner's key.
    pub tenants: Option<Vec<TenantId>>,
    pub scopes: Vec<KeyScope>,
    pub expires_at: OffsetDateTime,
    /// When it is granted.
    pub created_at: OffsetDateTime,
}

impl Grant {
    /// What this caller may grant of what they ask for; all that is too much is told at once. Whether the tenants are there is not looked at.
    pub fn of(identity: &Identity, new: NewKey, now: OffsetDateTime) -> Result<Self, Problem> {
        let mut errors = Vec::new();
        role(identity, new.role, &mut errors);
        let tenants = tenants(identity, new.role, new.tenants.map(|list| list.0), &mut errors);
        let scopes = scopes(identity, new.scopes.map(|list| list.0), &mut errors);
        let expires_at = end(identity, new.expires_at, now, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        Ok(Self { name: new.name, role: new.role, tenants, scopes, expires_at, created_at: now })
    }
}

fn too_much(pointer: Pointer, detail: &str) -> FieldError {
    FieldError::new(pointer, "exceeds_own", detail)
}

fn role(identity: &Identity, role: Role, errors: &mut Vec<FieldError>) {
    if !identity.role().includes(role) {
        errors.push(too_much(Pointer::to("role"), "may do more than your own"));
    }
    if identity.key().is_some_and(|key| key.line().len() >= LONGEST_LINE) {
        errors.push(too_much(Pointer::root(), "too many keys were made with one another already"));
    }
}

/// A foreign tenant is told as one that is not there.
pub fn unknown_tenant(index: usize) -> FieldError {
    FieldError::new(Pointer::to("tenants").then(index), "unknown_tenant", "no tenant has this id")
}

fn tenants(
    identity: &Identity,
    role: Role,
    tenants: Option<Vec<TenantId>>,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<TenantId>> {
    let of_field = |code, detail| FieldError::new(Pointer::to("tenants"), code, detail);
    match (role, &tenants) {
        (Role::Owner, None) => errors.push(of_field("tenants_required", "is required for an owner's key")),
        (Role::Owner, Some(tenants)) => {
            let unseen = tenants.iter().enumerate().filter(|(_, id)| !identity.scope().sees(Some(**id)));
            errors.extend(unseen.map(|(index, _)| unknown_tenant(index)));
        }
        (Role::Admin | Role::Operator | Role::Service, None) => {}
        (Role::Admin | Role::Operator | Role::Service, Some(_)) => {
            errors.push(of_field("not_narrowed", "only an owner's key is limited to tenants"));
        }
    }
    tenants
}

/// All that the caller may, but for making keys: that is asked for by name.
fn scopes(identity: &Identity, asked: Option<Vec<KeyScope>>, errors: &mut Vec<FieldError>) -> Vec<KeyScope> {
    let own = identity.key().map_or(KeyScope::ALL, |key| key.scopes());
    let Some(asked) = asked else {
        return own.iter().copied().filter(|scope| *scope != KeyScope::KeysWrite).collect();
    };
    let beyond = asked.iter().enumerate().filter(|(_, scope)| !own.contains(scope));
    errors.extend(beyond.map(|(index, _)| {
        too_much(Pointer::to("scopes").then(index), "is not among the scopes of your own key")
    }));
    asked
}

fn end(
    identity: &Identity,
    asked: Option<OffsetDateTime>,
    now: OffsetDateTime,
    errors: &mut Vec<FieldError>,
) -> OffsetDateTime {
    let own = identity.key().map(|key| key.expires_at());
    let latest = own.map_or(now + LONGEST, |own| own.min(now + LONGEST));
    let expires_at = asked.unwrap_or(latest);
    let pointer = || Pointer::to("expires_at");
    if expires_at <= now {
        errors.push(FieldError::new(pointer(), "out_of_range", "must be in the future"));
    } else if own.is_some_and(|own| expires_at > own) {
        errors.push(too_much(pointer(), "is after the end of your own key"));
    } else if expires_at > latest {
        errors.push(FieldError::new(pointer(), "out_of_range", "must be within 366 days"));
    }
    expires_at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_include_a_role_may_ask_for_all_that_it_may() {
        for kind in wire::kinds::ALL {
            for (own, other) in
                Role::ALL.iter().flat_map(|own| Role::ALL.iter().map(move |other| (own, other)))
            {
                let may_more = kind.roles.contains(other) && !kind.roles.contains(own);
                assert!(!(own.includes(*other) && may_more), "{}: {own} and {other}", kind.name);
            }
        }
    }
}
