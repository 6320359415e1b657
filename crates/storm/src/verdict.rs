//! What callers were told, what the record says and what the world has, compared. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use common::id::{OperationId, TenantId};

use crate::{
    ledger::{Asked, Told},
    record::{Operation, Record, Tenant},
    world::{Effect, Kind, Object},
};

/// The world at the end.
#[derive(Debug, Default)]
pub struct Seen {
    pub objects: HashMap<TenantId, Vec<Object>>,
    pub effects: Vec<Effect>,
    pub doubled: Vec<Effect>,
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
        verdict.promises(told, record);
        verdict.nobody_asked(told, record);
        verdict.ends(told, record);
        verdict.tenants(told, record, seen);
        verdict.duplicated.extend(told.contradictions.iter().map(|both| format!("two answers: {both}")));
        verdict.duplicated.extend(seen.doubled.iter().map(|effect| format!("made twice: {}", show(effect))));
        verdict.stale.extend(overtaken(record, &seen.effects).map(show));
        verdict.wrong.extend(told.unexpected.iter().map(|refusal| format!("refused: {refusal}")));
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

    fn ends(&mut self, told: &Told, record: &Record) {
        let cancelled: HashSet<OperationId> = told.cancelled.iter().copied().collect();
        for operation in record.operations.values() {
            let Operation { id, kind, status, .. } = operation;
            match (status.as_str(), cancelled.contains(id)) {
                ("succeeded", false) | ("rolled_back", true) => {}
                ("queued" | "running" | "undoing", _) => self.lost.push(format!("{id} ({kind}) is {status}")),
                (status, cancelled) => {
                    let error = operation.error.as_deref().unwrap_or("no error");
                    self.wrong.push(format!("{id} ({kind}) is {status}, cancelled: {cancelled}: {error}"));
                }
            }
            let accounted = (operation.audited, operation.told_accepted, operation.told_ended);
            if accounted != (1, 1, 1) {
                self.unaccounted.push(format!("{id}: audit, accepted, ended {accounted:?}"));
            }
        }
    }

    fn tenants(&mut self, told: &Told, record: &Record, seen: &Seen) {
        for tenant in seen.objects.keys().filter(|tenant| !record.tenants.contains_key(tenant)) {
            self.strays.push(format!("{tenant} is in the world and not in the record"));
        }
        let succeeded = |asked: fn(&Asked) -> bool| -> HashSet<TenantId> {
            let ended_well = |operation: &OperationId| {
                record.operations.get(operation).is_some_and(|operation| operation.status == "succeeded")
            };
            let all = told.accepted.iter().filter(|a| asked(&a.asked) && ended_well(&a.operation));
            all.map(|accepted| accepted.tenant).collect()
        };
        let made = succeeded(|asked| *asked == Asked::Create);
        let removed = succeeded(|asked| matches!(asked, Asked::Remove(_)));
        for (id, tenant) in &record.tenants {
            let wanted = match (made.contains(id), removed.contains(id)) {
                (_, true) => "deleted",
                (true, false) => "active",
                (false, false) => "failed",
            };
            if tenant.status != wanted {
                self.wrong.push(format!("{id} is {}, not {wanted}", tenant.status));
            }
            let objects = seen.objects.get(id).map(Vec::as_slice).unwrap_or_default();
            self.belongings(*id, tenant, wanted == "active", objects);
        }
    }

    fn belongings(&mut self, id: TenantId, tenant: &Tenant, alive: bool, objects: &[Object]) {
        let wanted = if alive { belongings(tenant) } else { BTreeSet::new() };
        let mut there = BTreeSet::new();
        for object in objects {
            let thing = thing(object);
            if !wanted.contains(&thing) {
                self.strays.push(format!("{id} should not have {thing:?}"));
            }
            if !there.insert(thing.clone()) {
                self.duplicated.push(format!("{id} has {thing:?} twice"));
            }
        }
        self.strays.extend(wanted.difference(&there).map(|missing| format!("{id} lacks {missing:?}")));
        if tenant.routes != i64::from(alive) {
            self.strays.push(format!("{id} has {} routes", tenant.routes));
        }
    }
}

/// A kind, and the name where there may be several.
type Thing = (Kind, String);

fn thing(object: &Object) -> Thing {
    let name = match object.kind {
        Kind::Container => object.name.clone(),
        Kind::Volume => object.name.trim_end_matches(".secrets").to_owned(),
        Kind::Role | Kind::Database | Kind::Owner | Kind::Key | Kind::Queue | Kind::Network => String::new(),
    };
    (object.kind, name)
}

/// What a living tenant has, each once.
fn belongings(tenant: &Tenant) -> BTreeSet<Thing> {
    let single = [Kind::Role, Kind::Database, Kind::Owner, Kind::Key, Kind::Queue, Kind::Network];
    let single = single.into_iter().map(|kind| (kind, String::new()));
    let each = |kind: Kind| tenant.containers.iter().map(move |name| (kind, name.clone()));
    single.chain(each(Kind::Container)).chain(each(Kind::Volume)).collect()
}

/// Effects that came after somebody with a higher fence had written to the journal.
fn overtaken<'a>(record: &'a Record, effects: &'a [Effect]) -> impl Iterator<Item = &'a Effect> {
    effects.iter().filter(|effect| {
        let begun = record.begun.get(&effect.by.operation).map(Vec::as_slice).unwrap_or_default();
        begun.iter().any(|(fence, at)| *fence > effect.by.fence && *at < effect.at)
    })
}

fn show(effect: &Effect) -> String {
    let Effect { by, what, at } = effect;
    format!("{what} by {} for {} under fence {} at {at}", by.worker, by.operation, by.fence)
}

#[cfg(test)]
mod tests;
