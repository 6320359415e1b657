//! What a tenant's sample says, by what was seen. Pure.

use std::{collections::BTreeSet, time::Duration};

use n8n::{executions::Activity, queues::Depth};
use wire::Figures;

use crate::containers::Use;

/// What of a tenant can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sense {
    Containers,
    Queue,
    Executions,
    Storage,
}

impl Sense {
    /// The word used in the record and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Queue => "queue",
            Self::Executions => "executions",
            Self::Storage => "storage",
        }
    }
}

/// What was seen of a dedicated tenant, or of an n8n that tenants share. `None`: it could not be.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub used: Option<Use>,
    pub workers: Option<u64>,
    /// The queue, and whether nobody takes what is in it.
    pub queue: Option<(Depth, bool)>,
    /// `None` inside: nothing goes on.
    pub activity: Option<Option<Activity>>,
    pub storage: Option<u64>,
}

/// One who has all of it for itself.
pub fn of_dedicated(seen: &Seen) -> (Figures, BTreeSet<Sense>) {
    let mut figures = of_executions(seen.activity.as_ref());
    figures.cpu_percent = seen.used.and_then(|used| used.cpu_percent);
    figures.memory_percent = seen.used.map(|used| used.memory_percent);
    figures.memory_bytes = seen.used.map(|used| used.memory);
    figures.workers = seen.workers;
    figures.queue_depth = seen.queue.map(|(depth, _)| depth.waiting);
    figures.workers_idle_while_waiting = seen.queue.map(|(_, idle)| idle);
    figures.storage_bytes = seen.storage;
    let senses = [
        (Sense::Containers, seen.used.is_none() || seen.workers.is_none()),
        (Sense::Queue, seen.queue.is_none()),
        (Sense::Executions, seen.activity.is_none()),
        (Sense::Storage, seen.storage.is_none()),
    ];
    (figures, senses.into_iter().filter(|(_, is_missing)| *is_missing).map(|(sense, _)| sense).collect())
}

/// One who shares an n8n: what it uses of that n8n's containers and queue nobody can tell, and what of its own waits there is counted.
pub fn of_member(activity: Option<Option<&Activity>>) -> (Figures, BTreeSet<Sense>) {
    let activity = activity.map(Option::<&Activity>::cloned);
    let mut figures = of_executions(activity.as_ref());
    figures.queue_depth = activity.as_ref().map(|activity| activity.as_ref().map_or(0, |a| a.queued));
    let missing = activity.is_none().then_some(Sense::Executions);
    (figures, missing.into_iter().collect())
}

fn of_executions(activity: Option<&Option<Activity>>) -> Figures {
    let Some(activity) = activity else { return Figures::default() };
    let idle = Activity::default();
    let activity = activity.as_ref().unwrap_or(&idle);
    let ended = activity.succeeded + activity.failed;
    Figures {
        queue_wait_p95_seconds: queue_wait(activity).map(|wait| wait.as_secs_f64()),
        duration_p95_seconds: activity.duration_p95.map(|took| took.as_secs_f64()),
        executions_min: Some(activity.began_in_minute as f64),
        success_rate_percent: (ended > 0).then(|| activity.succeeded as f64 / ended as f64 * 100.0),
        concurrent_executions: Some(activity.running),
        oldest_waiting_seconds: activity.oldest.map(|waited| waited.as_secs_f64()),
        ..Figures::default()
    }
}

/// Of those that began lately. When none did and some wait, how long the first of them has: it is what they would say by now at least. When
/// none did and none waits, nobody waits.
fn queue_wait(activity: &Activity) -> Option<Duration> {
    activity.queue_wait_p95.or(activity.oldest).or(Some(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> Activity {
        Activity {
            queued: 3,
            running: 2,
            oldest: Some(Duration::from_secs(9)),
            began_in_minute: 12,
            queue_wait_p95: Some(Duration::from_millis(6_200)),
            duration_p95: Some(Duration::from_secs(1)),
            succeeded: 9,
            failed: 1,
        }
    }

    #[test]
    fn what_was_not_seen_is_missing_and_never_zero() {
        let (figures, missing) = of_dedicated(&Seen::default());
        assert_eq!(figures, Figures::default());
        assert_eq!(missing.len(), 4);
        assert_eq!(of_member(None), (Figures::default(), BTreeSet::from([Sense::Executions])));
    }

    #[test]
    fn an_idle_tenant_has_no_rate_of_success_and_nobody_waits() {
        let queue = Some((Depth::default(), false));
        let seen = Seen { queue, activity: Some(None), storage: Some(1), ..Seen::default() };
        let (figures, missing) = of_dedicated(&seen);
        assert_eq!(missing, BTreeSet::from([Sense::Containers]));
        assert_eq!((figures.queue_wait_p95_seconds, figures.executions_min), (Some(0.0), Some(0.0)));
        assert_eq!((figures.success_rate_percent, figures.queue_depth), (None, Some(0)));
    }

    #[test]
    fn a_busy_one_is_told_as_it_is() {
        let (figures, missing) = of_member(Some(Some(&busy())));
        assert!(missing.is_empty());
        assert_eq!(figures.queue_wait_p95_seconds, Some(6.2));
        assert_eq!((figures.success_rate_percent, figures.queue_depth), (Some(90.0), Some(3)));
        assert_eq!((figures.cpu_percent, figures.workers), (None, None), "nobody can tell");
        let stuck = Activity { queue_wait_p95: None, ..busy() };
        assert_eq!(of_member(Some(Some(&stuck))).0.queue_wait_p95_seconds, Some(9.0));
    }
}
