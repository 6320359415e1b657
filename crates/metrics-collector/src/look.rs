//! One look at some parts of the cluster: from what the systems say to a sample of each tenant.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::atomic::{AtomicUsize, Ordering},
};

use common::{clock, error::chain, id::TenantId};
use futures::{StreamExt as _, stream};
use n8n::{databases::Name, executions::Whose, queues::Depth};
use tokio::time::{Instant, timeout};
use wire::{ContainerUsage, Sample};

use crate::{
    attention::{Activities, Known},
    consumption::Consumption,
    containers::Readings,
    figures::{self, Seen, Sense},
    fleet::{self, Instance},
    world::{PATIENCE, World},
};

/// Databases asked at once.
const AT_ONCE: usize = 8;

/// After so many that did not answer the server is taken to be away: the others of this look are not waited for.
const AWAY: usize = 3;

/// What all parts of a tick have in common. `None`: it could not be seen.
#[derive(Debug, Default)]
pub struct Common {
    pub used: Option<HashMap<String, ContainerUsage>>,
    pub sizes: Option<HashMap<TenantId, u64>>,
}

/// What is remembered from tick to tick.
#[derive(Debug, Default)]
pub struct Memory {
    pub readings: Readings,
    queues: HashMap<TenantId, Consumption>,
    known: HashMap<TenantId, Known>,
    /// Those whose meter stands.
    metered: BTreeSet<TenantId>,
}

impl Memory {
    /// Forgets whom nobody has asked about for a while: others look at them, or they are gone.
    pub fn forget(&mut self, now: Instant) {
        let kept = |known: &Known| now.duration_since(known.asked).as_secs() < 300;
        self.known.retain(|_, known| kept(known));
        self.queues.retain(|instance, _| self.known.contains_key(instance));
        self.metered.retain(|instance| self.known.contains_key(instance));
    }
}

/// A tenant's sample.
#[derive(Debug)]
pub struct Looked {
    /// The part of the cluster that the tenant falls into.
    pub shard: i16,
    pub sample: Sample,
    /// What could not be seen.
    pub missing: BTreeSet<Sense>,
}

/// Looks at these parts.
pub async fn look(
    world: &World,
    memory: &mut Memory,
    common: &Common,
    shards: &[i16],
) -> Result<Vec<Looked>, sqlx::Error> {
    let instances = fleet::of_shards(&world.record, &world.cluster, shards).await?;
    if instances.is_empty() {
        return Ok(Vec::new());
    }
    let depths = depths(world, &instances).await;
    let activities = activities(world, memory, &instances, &depths).await;
    let (at, now) = (clock::now(), Instant::now());
    let mut looked = Vec::new();
    for (id, instance) in &instances {
        let sample = |tenant, (figures, missing)| {
            let sample = Sample { tenant, cluster: world.cluster.clone(), at, figures };
            Looked { shard: instance.shard, sample, missing }
        };
        let activity = activities.get(id);
        for (project, tenant) in &instance.members {
            looked.push(sample(*tenant, figures::of_member(activity.map(|all| all.get(project)))));
        }
        let Some(own) = &instance.own else { continue };
        let queue =
            depths.get(id).map(|depth| (*depth, memory.queues.entry(*id).or_default().note(depth, now)));
        let seen = Seen {
            used: common.used.as_ref().and_then(|used| memory.readings.note(&own.containers, used)),
            workers: own.workers,
            queue,
            activity: activity.map(|all| whole(all, own.is_shared)),
            storage: common.sizes.as_ref().and_then(|sizes| sizes.get(id).copied()),
        };
        looked.push(sample(*id, figures::of_dedicated(&seen)));
    }
    Ok(looked)
}

/// What all who share an n8n do together is no sum of what each does: percentiles do not add up. It is told of each.
fn whole(all: &Activities, is_shared: bool) -> Option<n8n::executions::Activity> {
    if !is_shared {
        return all.values().next().cloned();
    }
    let mut together = n8n::executions::Activity::default();
    for each in all.values() {
        together.queued += each.queued;
        together.running += each.running;
        together.began_in_minute += each.began_in_minute;
        together.succeeded += each.succeeded;
        together.failed += each.failed;
        together.oldest = together.oldest.max(each.oldest);
        // The worst that any of them met.
        together.queue_wait_p95 = together.queue_wait_p95.max(each.queue_wait_p95);
        together.duration_p95 = together.duration_p95.max(each.duration_p95);
    }
    (!all.is_empty()).then_some(together)
}

/// By instance. Nothing when Redis does not answer.
async fn depths(world: &World, instances: &BTreeMap<TenantId, Instance>) -> HashMap<TenantId, Depth> {
    let ids: Vec<_> = instances.keys().copied().collect();
    match timeout(PATIENCE, world.queues.depths(&ids)).await {
        Ok(Ok(depths)) => ids.into_iter().zip(depths).collect(),
        Ok(Err(error)) => {
            tracing::debug!(error = chain(&error), "the queues cannot be seen");
            HashMap::new()
        }
        Err(_) => HashMap::new(),
    }
}

/// By instance. One that did not answer is not in it.
async fn activities(
    world: &World,
    memory: &mut Memory,
    instances: &BTreeMap<TenantId, Instance>,
    depths: &HashMap<TenantId, Depth>,
) -> HashMap<TenantId, Activities> {
    let (now, failed) = (Instant::now(), AtomicUsize::new(0));
    let (known, metered) = (&memory.known, &memory.metered);
    let failed = &failed;
    let ours = instances.iter().filter(|(_, instance)| !instance.is_external);
    let asked = ours.map(|(id, instance)| async move {
        let depth = depths.get(id);
        if let Some(known) = known.get(id).filter(|known| known.holds(depth, now)) {
            return (*id, Some((known.activities.clone(), false)));
        }
        if failed.load(Ordering::Relaxed) >= AWAY {
            return (*id, None);
        }
        let answer = ask(world, *id, instance, metered.contains(id)).await;
        failed
            .store(if answer.is_some() { 0 } else { failed.load(Ordering::Relaxed) + 1 }, Ordering::Relaxed);
        (*id, answer.map(|activities| (activities, true)))
    });
    let asked: Vec<_> = asked.collect();
    let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let mut activities = HashMap::new();
    for (id, answer) in answers {
        let Some((answer, is_new)) = answer else {
            memory.metered.remove(&id);
            continue;
        };
        if is_new {
            memory.metered.insert(id);
            memory.known.insert(id, Known::new(now, depths.get(&id), answer.clone()));
        }
        activities.insert(id, answer);
    }
    activities
}

/// The first time also whether its meter stands, and again after each failure: a migration of n8n's may have taken it away.
async fn ask(world: &World, id: TenantId, instance: &Instance, is_metered: bool) -> Option<Activities> {
    let name = Name::of(id);
    let is_shared = instance.own.as_ref().is_none_or(|own| own.is_shared);
    let whose = if is_shared { Whose::EachProjects } else { Whose::Everybodys };
    let asked = async {
        if !is_metered {
            world.executions.ensure_meter(&name).await?;
        }
        world.executions.activity(&name, whose).await
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(activities)) => Some(activities),
        Ok(Err(error)) => {
            tracing::debug!(tenant_id = %id, error = chain(&error), "what the instance runs cannot be seen");
            None
        }
        Err(_) => None,
    }
}
