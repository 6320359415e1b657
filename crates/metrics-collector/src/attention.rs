//! Which instances are asked what they run. To ask all of thousands four times a minute would hold a connection open to each; whether anything
//! has entered a queue since is known of all by one question to Redis.

use std::{collections::BTreeMap, time::Duration};

use n8n::{executions::Activity, queues::Depth};
use tokio::time::Instant;

/// What is run by hand enters no queue: an instance that looks idle is asked so often all the same.
const AT_LEAST: Duration = Duration::from_secs(60);

/// What each of an instance's projects, or the instance as a whole, does.
pub type Activities = BTreeMap<String, Activity>;

/// What was known of an instance when it was last asked.
#[derive(Debug, Clone)]
pub struct Known {
    pub asked: Instant,
    entered: Option<u64>,
    pub activities: Activities,
}

impl Known {
    /// What was answered, with how the queue was before.
    pub fn new(asked: Instant, depth: Option<&Depth>, activities: Activities) -> Self {
        Self { asked, entered: depth.map(|depth| depth.entered), activities }
    }

    /// Whether it is still so, as far as can be told.
    pub fn holds(&self, depth: Option<&Depth>, now: Instant) -> bool {
        let is_quiet = depth.is_some_and(|depth| {
            depth.waiting == 0 && depth.active == 0 && self.entered == Some(depth.entered)
        });
        is_quiet && self.activities.is_empty() && now.duration_since(self.asked) < AT_LEAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_one_is_asked_when_something_enters_its_queue_and_once_a_minute() {
        let start = Instant::now();
        let quiet = Depth { entered: 7, ..Depth::default() };
        let idle = Known::new(start, Some(&quiet), Activities::new());
        let soon = start + Duration::from_secs(15);
        assert!(idle.holds(Some(&quiet), soon));
        assert!(!idle.holds(Some(&quiet), start + AT_LEAST));
        assert!(!idle.holds(Some(&Depth { entered: 8, ..quiet }), soon));
        assert!(!idle.holds(Some(&Depth { active: 1, ..quiet }), soon));
        assert!(!idle.holds(None, soon), "nobody knows");
        let busy = Activities::from([(String::new(), Activity::default())]);
        assert!(!Known::new(start, Some(&quiet), busy).holds(Some(&quiet), soon));
    }
}
