//! What must have become of a tenant: what was accepted for it, one after the other in the order of its acceptance.

use std::collections::HashSet;

use common::{
    operations::{OperationKind, Request as _},
    tenant::TenantStatus,
};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use wire::kinds::{self, TenantScale};

use crate::{
    asked::{Plan, Size, Wish},
    record::Operation,
};

/// How long after its beginning a statement may be seen by others: it may have waited for somebody's lock.
pub const SEEN_WITHIN: Duration = Duration::seconds(3);

/// How a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Life {
    pub status: TenantStatus,
    pub size: Size,
}

/// One operation, and how the tenant was when its turn came.
#[derive(Debug)]
pub struct Turn<'a> {
    pub operation: &'a Operation,
    pub kind: &'static OperationKind,
    pub before: Option<Life>,
    pub after: Option<Life>,
}

/// Everything that was accepted for one tenant.
#[derive(Debug, Default)]
pub struct History<'a> {
    pub turns: Vec<Turn<'a>>,
}

impl<'a> History<'a> {
    /// From a tenant's operations, in any order. One of a kind that nobody knows is left out: nobody was told of it, either.
    pub fn of(operations: impl IntoIterator<Item = &'a Operation>) -> Self {
        let mut operations: Vec<_> = operations.into_iter().collect();
        operations.sort_by_key(|operation| (operation.created_at, operation.id));
        let (mut turns, mut life) = (Vec::new(), None);
        for operation in operations {
            let Some(kind) = kinds::of_word(&operation.kind) else { continue };
            let before = life;
            life = match operation.status.as_str() {
                "succeeded" => succeeds(operation, kind, before),
                // What was to make a tenant, and did not, leaves its row.
                _ if kind.from.is_empty() => failed(operation),
                _ => before,
            };
            turns.push(Turn { operation, kind, before, after: life });
        }
        Self { turns }
    }

    /// How the tenant must be when everything is over.
    pub fn end(&self) -> Option<Life> {
        self.turns.last().and_then(|turn| turn.after)
    }

    /// How the tenant may have been, or have been about to become, for somebody who looked at a moment between these two. Whoever asks
    /// for something asks it of a tenant as it will be when everything that was accepted before has been done.
    pub fn expected(&self, from: OffsetDateTime, to: OffsetDateTime) -> HashSet<Option<Life>> {
        expected(&self.turns, from, to)
    }

    /// The same for a turn's own acceptance: what was accepted before it.
    pub fn expected_by(&self, place: usize) -> HashSet<Option<Life>> {
        let Some(turn) = self.turns.get(place) else { return HashSet::new() };
        let at = turn.operation.created_at;
        expected(&self.turns[..place], at, at)
    }
}

impl Turn<'_> {
    /// Whether the tenant was as its kind needs it to be.
    pub fn could_begin(&self) -> bool {
        self.before.map_or(self.kind.from.is_empty(), |life| self.kind.from.contains(&life.status))
    }
}

fn expected(turns: &[Turn<'_>], from: OffsetDateTime, to: OffsetDateTime) -> HashSet<Option<Life>> {
    let mut lives = HashSet::from([None]);
    for Turn { operation, kind, after, .. } in turns.iter().filter(|turn| turn.operation.created_at <= to) {
        if operation.finished_at.is_some_and(|at| at + SEEN_WITHIN < from) {
            lives = HashSet::from([*after]);
            continue;
        }
        let mut now: HashSet<_> = lives.iter().map(|life| succeeds(operation, kind, *life)).collect();
        now.insert(*after);
        if let Some(status) = kind.passes {
            let passing =
                |life: &Option<Life>| life.or_else(|| failed(operation)).map(|life| Life { status, ..life });
            now.extend(lives.iter().map(passing));
        }
        // Nobody saw it yet, or nothing came of it.
        if operation.created_at + SEEN_WITHIN > from || operation.status != "succeeded" {
            now.extend(&lives);
        }
        lives = now;
    }
    lives
}

fn succeeds(operation: &Operation, kind: &OperationKind, before: Option<Life>) -> Option<Life> {
    let life = before.or_else(|| failed(operation))?;
    let size = if kind == TenantScale::KIND { life.size.with(wish(&operation.request)) } else { life.size };
    Some(Life { status: kind.ends.unwrap_or(life.status), size })
}

/// A tenant that was asked for and is not there.
fn failed(operation: &Operation) -> Option<Life> {
    let plan = operation.request.get("plan").and_then(Value::as_str).and_then(Plan::of_name)?;
    Some(Life { status: TenantStatus::Failed, size: plan.size() })
}

fn wish(request: &Value) -> Wish {
    let request: TenantScale = serde_json::from_value(request.clone()).unwrap_or_default();
    let TenantScale { cpu_millis, memory_mb, workers } = request;
    Wish { cpu_millis, memory_mb, workers }
}
