//! How much may be held. What one tenant's callers send must not take the room of the others.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use common::id::TenantId;

/// What is held at most, by what is known of it here: some more where several gateways take calls at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub calls_of_tenant: u64,
    pub bytes_of_tenant: u64,
    pub bytes: u64,
}

impl Default for Limits {
    /// Ten seconds of a thousand calls, and a database that does not fill up from it.
    fn default() -> Self {
        Self { calls_of_tenant: 20_000, bytes_of_tenant: 256 << 20, bytes: 4 << 30 }
    }
}

/// Why a call is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The tenant has so many calls held as it may.
    Calls,
    /// They take as much room as the tenant may have.
    Bytes,
    /// All tenants' together do.
    Everybody,
}

impl Full {
    pub const ALL: [Self; 3] = [Self::Calls, Self::Bytes, Self::Everybody];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Bytes => "bytes",
            Self::Everybody => "everybody",
        }
    }
}

/// What is held of one tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    pub calls: u64,
    pub bytes: u64,
}

/// What is held, as the record had it a moment ago, and what was added here since.
#[derive(Debug, Default)]
pub struct Bounds {
    limits: Limits,
    held: Mutex<HashMap<TenantId, Held>>,
}

impl Bounds {
    pub fn new(limits: Limits) -> Self {
        Self { limits, held: Mutex::default() }
    }

    /// The record has this.
    pub fn put(&self, held: HashMap<TenantId, Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Counts one more, if there is room.
    pub fn take(&self, tenant: TenantId, bytes: u64) -> Result<(), Full> {
        let Limits { calls_of_tenant, bytes_of_tenant, bytes: of_all } = self.limits;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let everybody: u64 = held.values().map(|held| held.bytes).sum();
        let its = held.entry(tenant).or_default();
        if its.calls >= calls_of_tenant {
            return Err(Full::Calls);
        }
        if its.bytes + bytes > bytes_of_tenant {
            return Err(Full::Bytes);
        }
        if everybody + bytes > of_all {
            return Err(Full::Everybody);
        }
        *its = Held { calls: its.calls + 1, bytes: its.bytes + bytes };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { calls_of_tenant: 2, bytes_of_tenant: 100, bytes: 150 };

    #[test]
    fn each_has_its_own_room_and_all_together_have_an_end() {
        let (bounds, [a, b]) = (Bounds::new(LIMITS), [(); 2].map(|()| TenantId::generate()));
        assert_eq!(bounds.take(a, 101), Err(Full::Bytes));
        assert_eq!(
            (bounds.take(a, 60), bounds.take(a, 40), bounds.take(a, 0)),
            (Ok(()), Ok(()), Err(Full::Calls))
        );
        assert_eq!((bounds.take(b, 51), bounds.take(b, 50)), (Err(Full::Everybody), Ok(())));
    }

    #[test]
    fn what_the_record_says_counts() {
        let (bounds, tenant) = (Bounds::new(LIMITS), TenantId::generate());
        bounds.put(HashMap::from([(tenant, Held { calls: 2, bytes: 10 })]));
        assert_eq!(bounds.take(tenant, 1), Err(Full::Calls));
        bounds.put(HashMap::new());
        assert_eq!(bounds.take(tenant, 1), Ok(()));
    }
}
