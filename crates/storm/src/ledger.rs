//! What callers were told. Whatever was answered with success has to come true.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use common::id::{OperationId, TenantId};
use hdrhistogram::Histogram;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

/// The longest time that is told apart from longer ones, in microseconds.
const LONGEST_US: u64 = 600_000_000;

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Create,
    Remove(TenantId),
    Cancel(OperationId),
}

/// A definite answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// A creation or removal that somebody was promised.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub key: Uuid,
    pub asked: Asked,
    pub operation: OperationId,
    pub tenant: TenantId,
    pub answer: Answer,
}

/// The part of an answer that names what was accepted.
#[derive(Deserialize)]
struct Named {
    operation_id: OperationId,
    tenant_id: TenantId,
}

/// Everything that callers were told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub accepted: Vec<Accepted>,
    /// Operations whose cancellation was accepted.
    pub cancelled: Vec<OperationId>,
    /// Cancellations that came too late, and were told so.
    pub too_late: u64,
    /// The same key, two answers.
    pub contradictions: Vec<String>,
    /// Refusals that nothing asked for deserved.
    pub unexpected: Vec<String>,
    /// Sent again, after an error, a timeout or a 503.
    pub retries: u64,
    /// Sent to both gateways at once.
    pub twins: u64,
    /// Tenants whose removal nobody has asked for yet.
    removable: Vec<TenantId>,
}

/// What callers were told so far, and how long it took, in microseconds.
pub struct Ledger(Mutex<(Told, Histogram<u64>)>);

impl Ledger {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(Mutex::new((Told::default(), Histogram::new_with_max(LONGEST_US, 3)?))))
    }

    /// Somebody got an answer so long after it was due. Cancellations are not measured.
    pub fn answered(&self, key: Uuid, asked: Asked, answer: Answer, took: Duration) {
        let mut state = self.state();
        let (told, times) = &mut *state;
        let problem = || format!("{asked:?} under {key}: {}", String::from_utf8_lossy(&answer.body));
        match (asked, answer.status) {
            (Asked::Cancel(operation), StatusCode::ACCEPTED) => told.cancelled.push(operation),
            (Asked::Cancel(_), StatusCode::CONFLICT) => told.too_late += 1,
            (Asked::Create, StatusCode::CREATED) | (Asked::Remove(_), StatusCode::ACCEPTED) => {
                let Ok(named) = serde_json::from_slice::<Named>(&answer.body) else {
                    return told.unexpected.push(problem());
                };
                if asked == Asked::Create {
                    told.removable.push(named.tenant_id);
                }
                let (operation, tenant) = (named.operation_id, named.tenant_id);
                told.accepted.push(Accepted { key, asked, operation, tenant, answer });
                times.saturating_record(took.as_micros() as u64);
            }
            _ => told.unexpected.push(problem()),
        }
    }

    /// The same key was answered in two ways.
    pub fn contradicted(&self, key: Uuid, first: &Answer, second: &Answer) {
        let [first, second] = [first, second]
            .map(|answer| format!("{} {}", answer.status.as_u16(), String::from_utf8_lossy(&answer.body)));
        self.state().0.contradictions.push(format!("{key}: {first} and {second}"));
    }

    pub fn retried(&self) {
        self.state().0.retries += 1;
    }

    pub fn twin(&self) {
        self.state().0.twins += 1;
    }

    /// A tenant that nobody removes yet; sometimes the newest one, which is perhaps still being made.
    pub fn take_removable(&self, random: &mut fastrand::Rng) -> Option<TenantId> {
        let removable = &mut self.state().0.removable;
        let last = removable.len().checked_sub(1)?;
        let place = if random.u8(..100) < 15 { last } else { random.usize(..=last) };
        Some(removable.swap_remove(place))
    }

    /// One of the operations accepted last.
    pub fn recent(&self, random: &mut fastrand::Rng) -> Option<OperationId> {
        let state = self.state();
        let recent = state.0.accepted.iter().rev().take(6).map(|accepted| accepted.operation);
        random.choice(recent.collect::<Vec<_>>())
    }

    /// Everything so far.
    pub fn told(&self) -> Told {
        self.state().0.clone()
    }

    /// How long answers took, in milliseconds at this quantile.
    pub fn took_ms(&self, quantile: f64) -> f64 {
        self.state().1.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn state(&self) -> MutexGuard<'_, (Told, Histogram<u64>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// What was accepted, by operation.
    pub fn by_operation(&self) -> HashMap<OperationId, &Accepted> {
        self.accepted.iter().map(|accepted| (accepted.operation, accepted)).collect()
    }
}
