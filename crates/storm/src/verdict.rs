//! What callers were told, what the record says and what the world has, compared. Pure.

mod belongings;
mod history;
mod refusals;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use common::{
    id::{OperationId, TenantId},
    operations::Request as _,
};
use wire::kinds::{TenantRestart, TenantSuspend};

use crate::{
    ledger::Told,
    record::{Operation, Record},
    world::{Effect, Object, Verb},
};
use history::{History, Turn};

/// The world at the end.
#[derive(Debug, Default)]
pub struct Seen {
    pub objects: HashMap<TenantId, Vec<Object>>,
    pub effects: Vec<Effect>,
    pub doubled: Vec<Effect>,
    pub cut_off: Vec<Effect>,
}

/// What must not be, each with the ids that tell where to look.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Accepted, and without a row or an end, or without the tenant it promised.
    pub lost: Vec<String>,
    /// Done twice: things made twice, keys with two answers, operations that nobody was told of.
    pub duplicated: Vec<String>,
    /// Effects of a worker whose successor had begun.
    pub stale: Vec<String>,
    /// Ended otherwise than it had to.
    pub wrong: Vec<String>,
    /// There without a living tenant, or not there for a living one.
    pub strays: Vec<String>,
    /// Audit log and events that do not fit.
    pub unaccounted: Vec<String>,
}

impl Verdict {
    /// Compares.
    pub fn of(told: &Told, record: &Record, seen: &Seen) -> Self {
        let mut verdict = Self::default();
        let histories = histories(record);
        verdict.promises(told, record);
        verdict.nobody_asked(told, record);
        verdict.ends(told, record, &histories);
        verdict.tenants(record, seen, &histories);
        verdict.restarts(seen, &histories);
        verdict.duplicated.extend(told.contradictions.iter().map(|both| format!("two answers: {both}")));
        verdict.duplicated.extend(seen.doubled.iter().map(|effect| format!("done twice: {}", show(effect))));
        verdict.stale.extend(overtaken(record, &seen.effects).map(show));
        verdict.wrong.extend(told.unexpected.iter().map(|refusal| format!("refused: {refusal}")));
        let undeserved =
            told.unaccepted.iter().filter_map(|told| refusals::undeserved(told, record, &histories));
        verdict.wrong.extend(undeserved);
        let unrefused = told.signed_anew.iter().filter_map(|told| refusals::unrefused(told, record));
        verdict.wrong.extend(unrefused);
        verdict
            .wrong
            .extend(cut_off(record, seen).map(|effect| format!("executions cut off: {}", show(effect))));
        verdict
    }

    /// Every part with its name.
    pub fn parts(&self) -> [(&'static str, &[String]); 6] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("old-fence effects", &self.stale),
            ("wrong ends", &self.wrong),
            ("strays", &self.strays),
            ("unaccounted", &self.unaccounted),
        ]
    }

    fn promises(&mut self, told: &Told, record: &Record) {
        for accepted in &told.accepted {
            let Some(operation) = record.operations.get(&accepted.operation) else {
                self.lost.push(format!("{} has no row, promised under {}", accepted.operation, accepted.key));
                continue;
            };
            if !record.tenants.contains_key(&accepted.tenant) || operation.tenant_id != accepted.tenant {
                self.lost.push(format!("{} has no {}", accepted.operation, accepted.tenant));
            }
        }
    }

    /// Each key is one operation: whatever else is in the record was done twice.
    fn nobody_asked(&mut self, told: &Told, record: &Record) {
        let known = told.by_operation();
        let others = record.operations.values().filter(|operation| !known.contains_key(&operation.id));
        let named =
            others.map(|operation| format!("nobody was told of {} ({})", operation.id, operation.kind));
        self.duplicated.extend(named);
        let mut keys = HashMap::new();
        for accepted in &told.accepted {
            if let Some(other) = keys.insert(accepted.key, accepted.operation) {
                self.duplicated.push(format!("{} gave {other} and {}", accepted.key, accepted.operation));
            }
        }
    }

    fn ends(&mut self, told: &Told, record: &Record, histories: &HashMap<TenantId, History<'_>>) {
        let cancelled: HashSet<OperationId> = told.cancelled.iter().copied().collect();
        for history in histories.values() {
            for (place, turn) in history.turns.iter().enumerate() {
                self.end(turn, cancelled.contains(&turn.operation.id));
                let kind = turn.kind;
                let possible =
                    |life: &Option<history::Life>| life.is_some_and(|life| kind.from.contains(&life.status));
                if !kind.from.is_empty() && !history.expected_by(place).iter().any(possible) {
                    let Operation { id, kind, created_at, .. } = turn.operation;
                    self.wrong.push(format!(
                        "{id} ({kind}) was accepted at {created_at} for a tenant that could not be so"
                    ));
                }
            }
        }
        for operation in record.operations.values() {
            let accounted = (operation.audited, operation.told_accepted, operation.told_ended);
            if accounted != (1, 1, 1) {
                self.unaccounted.push(format!("{}: audit, accepted, ended {accounted:?}", operation.id));
            }
        }
    }

    /// What was accepted succeeds and what was cancelled does not; nor does what found its tenant in another state than could be known,
    /// because something before it was called off.
    fn end(&mut self, turn: &Turn<'_>, cancelled: bool) {
        let Operation { id, kind, status, .. } = turn.operation;
        match (status.as_str(), cancelled, turn.could_begin()) {
            ("succeeded", false, true) | ("rolled_back", true, _) | ("rolled_back", _, false) => {}
            ("queued" | "running" | "undoing", ..) => self.lost.push(format!("{id} ({kind}) is {status}")),
            (status, cancelled, could_begin) => {
                let error = turn.operation.error.as_deref().unwrap_or("no error");
                let how = format!("cancelled: {cancelled}, the tenant was as it needs it: {could_begin}");
                self.wrong.push(format!("{id} ({kind}) is {status}, {how}: {error}"));
            }
        }
    }

    fn tenants(&mut self, record: &Record, seen: &Seen, histories: &HashMap<TenantId, History<'_>>) {
        for tenant in seen.objects.keys().filter(|tenant| !record.tenants.contains_key(tenant)) {
            self.strays.push(format!("{tenant} is in the world and not in the record"));
        }
        for (id, tenant) in &record.tenants {
            let Some(life) = histories.get(id).and_then(History::end) else {
                self.wrong.push(format!("{id} is {}, and nothing made it", tenant.status));
                continue;
            };
            if tenant.status != life.status.as_str() {
                self.wrong.push(format!("{id} is {}, not {}", tenant.status, life.status));
            }
            let objects = seen.objects.get(id).map(Vec::as_slice).unwrap_or_default();
            self.belongings(*id, life, tenant, objects);
        }
    }

    /// Each container of a tenant that was restarted has begun anew for that.
    fn restarts(&mut self, seen: &Seen, histories: &HashMap<TenantId, History<'_>>) {
        let begins = |effect: &&Effect| matches!(effect.verb, Verb::Restart { .. } | Verb::Make { .. });
        let begun = seen.effects.iter().filter(begins).filter_map(|effect| {
            let (_, name) = effect.object.as_ref()?;
            Some((effect.by.operation, name.as_str()))
        });
        let begun: HashSet<_> = begun.collect();
        let turns =
            histories.iter().flat_map(|(id, history)| history.turns.iter().map(move |turn| (*id, turn)));
        for (tenant, turn) in turns.filter(|(_, turn)| turn.kind == TenantRestart::KIND) {
            let (operation, life) = (turn.operation, turn.before.filter(|_| turn.could_begin()));
            let Some(life) = life.filter(|_| operation.status == "succeeded") else { continue };
            for name in belongings::containers(tenant, life.size) {
                if !begun.contains(&(operation.id, name.as_str())) {
                    self.wrong.push(format!("{} succeeded, and {name} did not begin anew", operation.id));
                }
            }
        }
    }
}

fn histories(record: &Record) -> HashMap<TenantId, History<'_>> {
    let mut by_tenant: HashMap<_, Vec<_>> = HashMap::new();
    for operation in record.operations.values() {
        by_tenant.entry(operation.tenant_id).or_default().push(operation);
    }
    by_tenant.into_iter().map(|(tenant, operations)| (tenant, History::of(operations))).collect()
}

/// Executions that whoever lets a tenant rest has to wait for. Elsewhere they are lost with their tenant, or go on when it is back.
fn cut_off<'a>(record: &'a Record, seen: &'a Seen) -> impl Iterator<Item = &'a Effect> {
    seen.cut_off.iter().filter(|effect| {
        let operation = record.operations.get(&effect.by.operation);
        operation.is_some_and(|operation| operation.kind == TenantSuspend::KIND.name)
    })
}

/// Effects that came after somebody with a higher fence had written to the journal.
fn overtaken<'a>(record: &'a Record, effects: &'a [Effect]) -> impl Iterator<Item = &'a Effect> {
    effects.iter().filter(|effect| {
        let begun = record.begun.get(&effect.by.operation).map(Vec::as_slice).unwrap_or_default();
        begun.iter().any(|(fence, at)| *fence > effect.by.fence && *at < effect.at)
    })
}

fn show(effect: &Effect) -> String {
    let Effect { by, verb, object, at } = effect;
    let what = object.as_ref().map_or("what was gone".to_owned(), |(kind, name)| format!("{kind:?} {name}"));
    format!("{verb} {what} by {} for {} under fence {} at {at}", by.worker, by.operation, by.fence)
}
