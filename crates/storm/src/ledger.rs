//! What callers were told. Whatever was answered with success has to come true.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use common::{
    clock,
    id::{OperationId, TenantId},
};
use hdrhistogram::Histogram;
use http::StatusCode;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::asked::{Asked, Plan};

/// A tenant that somebody was promised and nobody has asked to remove.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub tenant: TenantId,
    pub plan: Plan,
    /// Whether it was last asked to rest.
    pub rests: bool,
}

/// The longest time that is told apart from longer ones, in microseconds.
const LONGEST_US: u64 = 600_000_000;

/// A definite answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// Something that somebody asked for, and since when.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub key: Uuid,
    pub asked: Asked,
    pub sent: OffsetDateTime,
}

/// An operation that somebody was promised.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub key: Uuid,
    pub asked: Asked,
    pub operation: OperationId,
    pub tenant: TenantId,
    pub answer: Answer,
}

/// Something that nothing is done about, and what was said instead.
#[derive(Debug, Clone)]
pub struct Unaccepted {
    pub question: Question,
    pub said: Said,
    pub answered: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is so already.
    So,
    /// It is being done already, by this operation.
    Joined(OperationId),
    /// It cannot be done as things are.
    Impossible,
}

/// The part of an answer that names what was accepted, or says that nothing had to be.
#[derive(Deserialize)]
struct Named {
    operation_id: Option<OperationId>,
    tenant_id: TenantId,
    #[serde(default)]
    already: bool,
}

/// Everything that callers were told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub accepted: Vec<Accepted>,
    pub unaccepted: Vec<Unaccepted>,
    /// Operations whose cancellation was accepted.
    pub cancelled: Vec<OperationId>,
    /// The same key, two answers.
    pub contradictions: Vec<String>,
    /// Refusals that nothing asked for can deserve.
    pub unexpected: Vec<String>,
    /// Requests whose signature an answer that they gave up, or their twin's, had used up, and when they were told.
    pub signed_anew: Vec<(Question, OffsetDateTime)>,
    /// Sent again, after an error, a timeout or a 503.
    pub retries: u64,
    /// Sent to both gateways at once, under one key or under two.
    pub twins: u64,
    pub rivals: u64,
    /// Tenants whose removal nobody has asked for yet.
    known: Vec<Known>,
    /// The same, while nothing else is asked of them, because somebody watches what they asked for.
    watched: HashMap<TenantId, Known>,
    watches: bool,
}

/// What callers were told so far, and how long it took, in microseconds.
pub struct Ledger(Mutex<(Told, Histogram<u64>)>);

impl Ledger {
    /// Nothing yet. `watches`: of each tenant, one thing is asked for after the other.
    pub fn new(watches: bool) -> anyhow::Result<Self> {
        let told = Told { watches, ..Told::default() };
        Ok(Self(Mutex::new((told, Histogram::new_with_max(LONGEST_US, 3)?))))
    }

    /// Whether one thing is asked for after the other.
    pub fn watches(&self) -> bool {
        self.state().0.watches
    }

    /// Something else may be asked of this tenant, or of the one that this operation made.
    pub fn free(&self, asked: Asked, operation: Option<OperationId>) {
        let told = &mut self.state().0;
        let made = told.accepted.iter().rev().find(|accepted| Some(accepted.operation) == operation);
        let tenant = asked.tenant().or(made.map(|accepted| accepted.tenant));
        if let Some(known) = tenant.and_then(|tenant| told.watched.remove(&tenant)) {
            told.known.push(known);
        }
    }

    /// Somebody got an answer so long after it was due. Only what was accepted is measured, cancellations left out.
    pub fn answered(&self, question: Question, answer: Answer, took: Duration) {
        let mut state = self.state();
        let (told, times) = &mut *state;
        let (accepted, asked) = (told.accepted.len(), question.asked);
        if told.take(question, &answer).is_none() {
            let Answer { status, body } = answer;
            let body = String::from_utf8_lossy(&body);
            told.unexpected.push(format!("{asked:?} under {}: {status} {body}", question.key));
        }
        if told.accepted.len() > accepted {
            times.saturating_record(took.as_micros() as u64);
        }
    }

    /// Two answers under one key came at the same time; returns the one that counts. What was not accepted is not kept under the key: of a
    /// twin that comes before or after, something else may be true.
    pub fn choose(&self, key: Uuid, one: Answer, other: Answer) -> Answer {
        let [first, second] = [&one, &other].map(|answer| answer.named());
        let is_new = |named: &Option<Named>| named.as_ref().is_some_and(Named::is_new);
        let operation = |named: &Option<Named>| named.as_ref().and_then(|named| named.operation_id);
        let (new, same) = ((is_new(&first), is_new(&second)), operation(&first) == operation(&second));
        if one != other && (new == (true, true) || same && new != (false, false)) {
            self.contradicted(key, &one, &other);
        }
        if new.0 || !new.1 && one.status.is_success() { one } else { other }
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

    /// Its signature was used up, which only a refusal can have done: it is signed anew.
    pub fn signed_anew(&self, question: Question) {
        self.state().0.signed_anew.push((question, clock::now()));
    }

    pub fn twin(&self) {
        self.state().0.twins += 1;
    }

    pub fn rivals(&self) {
        self.state().0.rivals += 1;
    }

    /// A tenant that nobody removes yet; sometimes the newest one, which is perhaps still being made.
    pub fn take_removable(&self, random: &mut fastrand::Rng) -> Option<TenantId> {
        let known = &mut self.state().0.known;
        let last = known.len().checked_sub(1)?;
        let place = if random.u8(..100) < 15 { last } else { random.usize(..=last) };
        Some(known.swap_remove(place).tenant)
    }

    /// A tenant that something can be done to: often one of a few, so that much is asked of each of those at once.
    pub fn known(&self, random: &mut fastrand::Rng) -> Option<Known> {
        let told = &mut self.state().0;
        let known = &mut told.known;
        let last = known.len().checked_sub(1)?;
        let place = match random.u8(..100) {
            0..10 => last,
            10..60 => random.usize(..=last.min(8)),
            _ => random.usize(..=last),
        };
        if !told.watches {
            return known.get(place).copied();
        }
        let known = known.swap_remove(place);
        told.watched.insert(known.tenant, known);
        Some(known)
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

    /// Takes an answer down; `None` when nothing that was asked can be answered so.
    fn take(&mut self, question: Question, answer: &Answer) -> Option<()> {
        let Question { key, asked, .. } = question;
        let said = match (asked, answer.status) {
            (Asked::Cancel(operation), StatusCode::ACCEPTED) => {
                self.cancelled.push(operation);
                return Some(());
            }
            (Asked::Create(_), StatusCode::CREATED) | (_, StatusCode::ACCEPTED) => {
                let named = answer.named()?;
                let (operation, tenant) = (named.operation_id?, named.tenant_id);
                if !named.already {
                    self.accepted.push(Accepted { key, asked, operation, tenant, answer: answer.clone() });
                    self.know(asked, tenant);
                    return Some(());
                }
                Said::Joined(operation)
            }
            (_, StatusCode::OK) => answer.named().filter(|named| named.already).map(|_| Said::So)?,
            (Asked::Create(_) | Asked::Remove(_), _) => return None,
            // Any other reason than the state that something is in is one that nobody gave.
            (Asked::Cancel(_), StatusCode::CONFLICT) => Said::Impossible,
            (_, StatusCode::CONFLICT) if answer.code().as_deref() == Some("conflict") => Said::Impossible,
            _ => return None,
        };
        self.unaccepted.push(Unaccepted { question, said, answered: clock::now() });
        Some(())
    }

    fn know(&mut self, asked: Asked, tenant: TenantId) {
        let mut all = self.known.iter_mut().chain(self.watched.values_mut());
        match (asked, all.find(|known| known.tenant == tenant)) {
            (Asked::Create(plan), _) => {
                let known = Known { tenant, plan, rests: false };
                if self.watches {
                    self.watched.insert(tenant, known);
                } else {
                    self.known.push(known);
                }
            }
            (Asked::Suspend(_), Some(known)) => known.rests = true,
            (Asked::Resume(_), Some(known)) => known.rests = false,
            _ => {}
        }
    }
}

impl Named {
    fn is_new(&self) -> bool {
        self.operation_id.is_some() && !self.already
    }
}

impl Answer {
    /// The operation that does what was asked for, if one does.
    pub fn operation(&self) -> Option<OperationId> {
        self.named()?.operation_id
    }

    fn named(&self) -> Option<Named> {
        serde_json::from_slice(&self.body).ok().filter(|_| self.status.is_success())
    }

    /// Of the problem that it is.
    pub fn code(&self) -> Option<String> {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        problem.get("code")?.as_str().map(str::to_owned)
    }
}
