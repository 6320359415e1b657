//! Callers who wait for the answer to a call that is held.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use common::id::TenantId;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::store::End;

/// So many of one tenant's callers wait at one gateway; the edge lets some more of one host's requests be under way, and those who come then are told
/// at once that their call is held.
const MOST_OF_TENANT: usize = 200;

/// Everybody who waits at this gateway.
#[derive(Clone, Default)]
pub struct Waiters(Arc<Mutex<All>>);

#[derive(Default)]
struct All {
    by_receipt: HashMap<Uuid, Waiter>,
    of_tenant: HashMap<TenantId, usize>,
}

struct Waiter {
    tenant: TenantId,
    told: oneshot::Sender<End>,
}

/// A place among them, until it is dropped.
pub struct Waiting {
    waiters: Waiters,
    receipt: Uuid,
    told: oneshot::Receiver<End>,
}

impl Waiters {
    /// A place for this call's caller; `None`: enough of the tenant's wait already.
    pub fn wait(&self, receipt: Uuid, tenant: TenantId) -> Option<Waiting> {
        let mut all = self.all();
        let waiting = all.of_tenant.entry(tenant).or_default();
        if *waiting >= MOST_OF_TENANT {
            return None;
        }
        *waiting += 1;
        let (sender, told) = oneshot::channel();
        all.by_receipt.insert(receipt, Waiter { tenant, told: sender });
        Some(Waiting { waiters: self.clone(), receipt, told })
    }

    /// Tells whoever waits for it, if somebody does.
    pub fn tell(&self, receipt: Uuid, end: End) {
        let waiter = self.all().remove(receipt);
        if let Some(waiter) = waiter {
            // Whoever is gone is not told.
            let _ = waiter.told.send(end);
        }
    }

    /// Those who wait.
    pub fn receipts(&self) -> Vec<Uuid> {
        self.all().by_receipt.keys().copied().collect()
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn remove(&mut self, receipt: Uuid) -> Option<Waiter> {
        let waiter = self.by_receipt.remove(&receipt)?;
        if let Some(waiting) = self.of_tenant.get_mut(&waiter.tenant) {
            *waiting -= 1;
            if *waiting == 0 {
                self.of_tenant.remove(&waiter.tenant);
            }
        }
        Some(waiter)
    }
}

impl Waiting {
    /// Until it has ended.
    pub async fn end(&mut self) -> Option<End> {
        (&mut self.told).await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiters.all().remove(self.receipt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_told_and_whoever_has_left_is_forgotten() {
        let (waiters, tenant) = (Waiters::default(), TenantId::generate());
        let [one, two] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let (mut first, second) = (waiters.wait(one, tenant).unwrap(), waiters.wait(two, tenant).unwrap());
        drop(second);
        assert_eq!(waiters.receipts(), [one]);
        waiters.tell(two, End::Dead);
        waiters.tell(one, End::Delivered(None));
        assert_eq!(first.end().await, Some(End::Delivered(None)));
        drop(first);
        assert!(waiters.receipts().is_empty());
    }

    #[test]
    fn one_tenants_callers_leave_room_for_others() {
        let (waiters, [a, b]) = (Waiters::default(), [(); 2].map(|()| TenantId::generate()));
        let places: Vec<_> =
            (0..=MOST_OF_TENANT).map(|number| waiters.wait(Uuid::from_u128(number as u128), a)).collect();
        assert_eq!(places.iter().filter(|place| place.is_some()).count(), MOST_OF_TENANT);
        assert!(waiters.wait(Uuid::max(), b).is_some());
    }
}
