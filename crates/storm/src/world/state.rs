//! What there is, and what becomes of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use common::id::{OperationId, TenantId};
use time::{Duration, OffsetDateTime};

use super::{Absent, Effect, Holder, Kind, Object, Verb};

/// Executions that a main may leave behind when it goes, and how long each runs at most.
const MOST_JOBS: u64 = 3;
const LONGEST_JOB: Duration = Duration::milliseconds(1500);

/// Everything that is there, and everything that was done.
#[derive(Default)]
pub struct State {
    last_id: u64,
    pub objects: HashMap<TenantId, BTreeMap<u64, Object>>,
    pub fences: HashMap<OperationId, i64>,
    pub effects: Vec<Effect>,
    pub refused: Vec<Effect>,
    pub doubled: Vec<Effect>,
    pub cut_off: Vec<Effect>,
    /// When each execution that runs will have ended.
    jobs: HashMap<TenantId, Vec<OffsetDateTime>>,
    restarted: HashSet<(OperationId, String)>,
}

/// What came of an effect, beside what it was for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It was made although it was there, or restarted a second time by the same operation.
    pub doubled: bool,
    /// Executions ran that nobody is left to end.
    pub cut_off: bool,
}

impl State {
    /// What a tenant has.
    pub fn all_of(&self, tenant: TenantId) -> Vec<Object> {
        self.objects.get(&tenant).map(|objects| objects.values().cloned().collect()).unwrap_or_default()
    }

    /// What an effect is had on: a kind and a name.
    pub fn object(&self, tenant: TenantId, verb: &Verb) -> Option<(Kind, String)> {
        match verb {
            Verb::Make { kind, name, .. } => Some((*kind, name.clone())),
            Verb::Drop { id } | Verb::Resize { id, .. } | Verb::Restart { id } => {
                let object = self.objects.get(&tenant)?.get(id)?;
                Some((object.kind, object.name.clone()))
            }
            Verb::Look | Verb::Pending => None,
        }
    }

    /// Has an effect.
    pub fn act(&mut self, by: &Holder, verb: &Verb, now: OffsetDateTime) -> Result<Outcome, Absent> {
        match verb {
            Verb::Look | Verb::Pending => Ok(Outcome::default()),
            Verb::Make { kind, name, .. } => {
                let objects = self.objects.entry(by.tenant).or_default();
                let doubled = objects.values().any(|there| there.kind == *kind && there.name == *name);
                self.make(by.tenant, verb);
                Ok(Outcome { doubled, ..Outcome::default() })
            }
            Verb::Drop { id } => Ok(self.drop(by.tenant, *id, now)),
            Verb::Resize { id, limits } => {
                self.container(by.tenant, *id)?.limits = Some(*limits);
                Ok(Outcome::default())
            }
            Verb::Restart { id } => {
                let began = self.next_id();
                let container = self.container(by.tenant, *id)?;
                container.began = began;
                let name = container.name.clone();
                let doubled = !self.restarted.insert((by.operation, name));
                Ok(Outcome { doubled, ..Outcome::default() })
            }
        }
    }

    /// How many executions have not ended. Without a worker none of them ends.
    pub fn pending(&mut self, tenant: TenantId, now: OffsetDateTime) -> usize {
        let works = self.workers(tenant) > 0;
        let Some(jobs) = self.jobs.get_mut(&tenant) else { return 0 };
        jobs.retain(|ends| !works || *ends > now);
        jobs.len()
    }

    fn make(&mut self, tenant: TenantId, verb: &Verb) {
        let Verb::Make { kind, name, mark, limits } = verb.clone() else { return };
        let id = self.next_id();
        let made = Object { id, kind, name, mark, limits, began: id };
        self.objects.entry(tenant).or_default().insert(id, made);
    }

    fn drop(&mut self, tenant: TenantId, id: u64, now: OffsetDateTime) -> Outcome {
        let pending = self.pending(tenant, now);
        let Some(gone) = self.objects.get_mut(&tenant).and_then(|objects| objects.remove(&id)) else {
            return Outcome::default();
        };
        let workers = self.workers(tenant);
        if gone.kind == Kind::Queue {
            self.jobs.remove(&tenant);
        }
        if gone.kind != Kind::Container {
            return Outcome::default();
        }
        if is_main(&gone.name) && workers > 0 {
            self.leave_jobs(tenant, id % (MOST_JOBS + 1), now);
        }
        Outcome { cut_off: workers == 0 && pending > 0, ..Outcome::default() }
    }

    /// The last calls that a main answered still run.
    fn leave_jobs(&mut self, tenant: TenantId, many: u64, now: OffsetDateTime) {
        let ends = (1..=many).map(|number| now + LONGEST_JOB / MOST_JOBS as i32 * number as i32);
        self.jobs.entry(tenant).or_default().extend(ends);
    }

    fn container(&mut self, tenant: TenantId, id: u64) -> Result<&mut Object, Absent> {
        let there = self.objects.get_mut(&tenant).and_then(|objects| objects.get_mut(&id));
        there.filter(|object| object.kind == Kind::Container).ok_or(Absent)
    }

    fn workers(&self, tenant: TenantId) -> usize {
        let objects = self.objects.get(&tenant).into_iter().flat_map(BTreeMap::values);
        objects.filter(|object| object.kind == Kind::Container && !is_main(&object.name)).count()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// Whether a container of this name is its tenant's main.
pub fn is_main(name: &str) -> bool {
    name.ends_with("-main")
}
