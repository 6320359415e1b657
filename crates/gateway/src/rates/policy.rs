//! What is counted, for whom, and how many are allowed.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use common::id::TenantId;
use http::Method;
use sha2::{Digest, Sha256};

use crate::auth::{Identity, Role};

/// A rule, by its name in the `RateLimit` fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Everything that one subject asks for.
    Subject,
    /// One action on one tenant, whoever asks.
    Action,
}

impl Policy {
    /// Every rule, in the order in which they are looked at.
    pub const ALL: [Self; 2] = [Self::Subject, Self::Action];

    /// The name in header fields and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Action => "action",
        }
    }
}

/// The groups of counters; each has a figure of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A customer.
    Owner,
    /// A program or a person of ours, who asks for many customers.
    Staff,
    /// Something that changes a tenant.
    Change,
    /// Something that only looks at one.
    Read,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Staff, Self::Change, Self::Read];

    /// The rule it belongs to.
    pub const fn policy(self) -> Policy {
        match self {
            Self::Owner | Self::Staff => Policy::Subject,
            Self::Change | Self::Read => Policy::Action,
        }
    }

    /// Its part of a key.
    const fn letter(self) -> u8 {
        match self {
            Self::Owner => b'o',
            Self::Staff => b's',
            Self::Change => b'c',
            Self::Read => b'r',
        }
    }
}

/// How many requests fit into one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(NonZeroU32);

impl Quota {
    /// So many a second that they are a nanosecond apart: the finest that is counted locally.
    const MOST: u32 = 1_000_000_000;

    /// The number.
    pub const fn requests(self) -> NonZeroU32 {
        self.0
    }
}

impl FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: Option<NonZeroU32> =
            text.parse().ok().filter(|number: &NonZeroU32| number.get() <= Self::MOST);
        number.map(Self).ok_or("must be a number from 1 to 1000000000; RATE_LIMIT=off ends limiting")
    }
}

/// Every figure.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub window: Duration,
    pub owner: Quota,
    pub staff: Quota,
    pub change: Quota,
    pub read: Quota,
}

impl Figures {
    /// The figure of one group.
    pub const fn of(&self, group: Group) -> Quota {
        match group {
            Group::Owner => self.owner,
            Group::Staff => self.staff,
            Group::Change => self.change,
            Group::Read => self.read,
        }
    }
}

/// `rates:`, the group's letter, a colon and 16 bytes in hexadecimal. The login that counts sees no other keys.
pub type Key = [u8; 40];

/// What a request is counted under. Made of digests: what callers bring decides neither its length nor its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    group: Group,
    digest: [u8; 16],
}

impl Counter {
    /// Of everything that this caller asks for. An owner who has the name of one of our programs is not counted with it.
    pub fn of_subject(identity: &Identity) -> Self {
        let group = match identity.role() {
            Role::Owner => Group::Owner,
            Role::Admin | Role::Operator | Role::Service => Group::Staff,
        };
        Self { group, digest: digest(&[identity.subject().as_bytes()]) }
    }

    /// Of one route of one tenant.
    pub fn of_action(tenant: TenantId, method: &Method, route: &str) -> Self {
        // HEAD is answered by the same code as GET.
        let (group, method) = match *method {
            Method::GET | Method::HEAD => (Group::Read, &Method::GET),
            _ => (Group::Change, method),
        };
        let tenant = tenant.uuid();
        let parts = [tenant.as_bytes().as_slice(), method.as_str().as_bytes(), route.as_bytes()];
        Self { group, digest: digest(&parts) }
    }

    /// Of nobody: what a connection is tried with.
    pub fn of_nobody() -> Self {
        Self { group: Group::Staff, digest: [0; 16] }
    }

    /// Its group.
    pub const fn group(&self) -> Group {
        self.group
    }

    /// What tells it from others of its group.
    pub const fn digest(&self) -> &[u8; 16] {
        &self.digest
    }

    /// Its name in Redis.
    pub fn key(&self) -> Key {
        let mut key = *b"rates:?:................................";
        key[6] = self.group.letter();
        // 32 digits for 16 bytes: it fits.
        let _ = hex::encode_to_slice(self.digest, &mut key[8..]);
        key
    }
}

/// Half of a SHA-256 over the parts, each with its length before it: 128 bits, enough that nobody finds two that collide.
fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    half
}

/// What became of one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStatus {
    pub policy: Policy,
    pub quota: u32,
    /// How many more are allowed before the reset.
    pub remaining: u32,
    /// When there is room again.
    pub resets_in: Duration,
    pub admitted: bool,
}

impl LimitStatus {
    /// Whole seconds until the reset: at least one, and never too early.
    pub fn resets_in_seconds(&self) -> u64 {
        u64::try_from(self.resets_in.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_positive_number_and_nothing_else() {
        assert_eq!("600".parse::<Quota>().unwrap().requests().get(), 600);
        for bad in ["0", "-1", "off", "1.5", "1000000001", ""] {
            assert!(bad.parse::<Quota>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_action_of_every_tenant_has_a_key_of_its_own_and_all_are_equally_long() {
        let (one, other) = (TenantId::generate(), TenantId::generate());
        let route = "/tenants/{id}";
        let of = |tenant, method: &Method, route: &str| Counter::of_action(tenant, method, route).key();
        let key = of(one, &Method::DELETE, route);
        assert!(key.starts_with(b"rates:c:") && !key.contains(&b'.'), "{key:?}");
        let others = [
            of(other, &Method::DELETE, route),
            of(one, &Method::POST, route),
            of(one, &Method::DELETE, "/x"),
        ];
        assert!(others.iter().all(|other| *other != key));
        assert_eq!(of(one, &Method::GET, route), of(one, &Method::HEAD, route));
    }

    #[test]
    fn a_reset_is_told_in_whole_seconds_that_are_never_too_few() {
        let limit = |ms| LimitStatus {
            policy: Policy::Subject,
            quota: 1,
            remaining: 0,
            resets_in: Duration::from_millis(ms),
            admitted: false,
        };
        assert_eq!([0, 1, 1000, 1001].map(|ms| limit(ms).resets_in_seconds()), [1, 1, 1, 2]);
    }
}
