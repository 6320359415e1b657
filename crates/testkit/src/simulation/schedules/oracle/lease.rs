//! Who may run what.

use common::schedules::Claimed;
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use super::{super::sim::LEASE, Case, Key, Oracle, Seen, must};

impl Case {
    fn lease_runs(&self, now: OffsetDateTime) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    pub(super) fn holds(&self, fence: i64, now: OffsetDateTime) -> bool {
        self.fence == fence && self.lease_runs(now)
    }

    fn is_free(&self, now: OffsetDateTime) -> bool {
        self.not_before <= now && !self.lease_runs(now)
    }
}

pub(super) fn key_of(claimed: &Claimed) -> Key {
    (claimed.firing.schedule.clone(), claimed.firing.due_at)
}

impl Oracle {
    /// The oldest firing of each schedule that has not ended, for somebody who knows these jobs.
    fn firsts(&self, jobs: &[&str]) -> impl Iterator<Item = (&Key, &Case)> {
        let open = self.accounts.iter().filter(|(_, account)| account.is_open(jobs));
        open.filter_map(|(name, _)| self.open_of(name).next())
    }

    /// The firings of this schedule that have not ended, the oldest first.
    fn open_of(&self, schedule: &str) -> impl Iterator<Item = (&Key, &Case)> {
        let first = (schedule.to_owned(), OffsetDateTime::UNIX_EPOCH);
        let open = self.open.range(first..).take_while(move |(name, _)| name == schedule);
        open.map(|key| (key, &self.cases[key]))
    }

    /// Somebody asked for a firing, and was handed out this one, or none.
    pub fn claimed(&mut self, jobs: &[&str], claimed: Option<&Claimed>, now: OffsetDateTime) {
        let mut free: Vec<_> = self.firsts(jobs).filter(|(_, case)| case.is_free(now)).collect();
        free.sort_by_key(|((_, due_at), _)| *due_at);
        let (oldest, free) = (
            free.first().map(|(key, _)| key.1),
            free.iter().any(|(key, _)| claimed.is_some_and(|claimed| **key == key_of(claimed))),
        );
        let Some(claimed) = claimed else {
            return self.judge("a claim", must(oldest.is_none(), "what may be run is handed out"));
        };
        let key = key_of(claimed);
        let Some(case) = self.cases.get_mut(&key) else {
            return self.violated(super::name(&key), "only what fired is handed out");
        };
        let late = (now - case.fires_at).max(Duration::ZERO);
        let verdict = must(case.end.is_none(), "what is over is not handed out")
            .and_then(|()| must(!case.lease_runs(now), "a lease that runs is not handed out"))
            .and_then(|()| must(case.not_before <= now, "a pause is waited for"))
            .and_then(|()| must(claimed.fence == case.fence + 1, "every claim has the next fence"))
            .and_then(|()| must(claimed.firing.attempt == case.attempts + 1, "every attempt counts"))
            .and_then(|()| must(late == claimed.late, "it is said how late it is"));
        (case.fence, case.attempts) = (claimed.fence, case.attempts + 1);
        case.lease_until = Some(now + LEASE);
        self.judge_firing(&key, verdict);
        let job = self.accounts.get(&key.0).is_some_and(|account| account.job == claimed.job);
        let alone = self.is_alone(&key, now);
        self.judge_firing(&key, must(alone, "two firings of one schedule never run at once"));
        self.judge_firing(
            &key,
            must(free, "a schedule's firings are run the oldest first, and none while it is held"),
        );
        self.judge_firing(&key, must(oldest.is_none_or(|oldest| oldest >= key.1), "the oldest comes first"));
        self.judge_firing(&key, must(job, "a firing is handed out with its schedule's job"));
    }

    fn is_alone(&self, key: &Key, now: OffsetDateTime) -> bool {
        let mut others = self.open_of(&key.0).filter(|(other, _)| *other != key);
        !others.any(|(_, case)| case.lease_runs(now))
    }

    pub fn renewed(&mut self, claimed: &Claimed, done: bool, now: OffsetDateTime) {
        let key = key_of(claimed);
        let Some(case) = self.cases.get_mut(&key) else { return };
        let holds = case.holds(claimed.fence, now);
        if done {
            case.lease_until = Some(now + LEASE);
        }
        self.see(Seen::LeaseLost, usize::from(!done));
        self.judge_firing(&key, must(done == holds, "its holder renews a lease, and nobody else"));
    }

    /// A process was told that it has a lease, which it asked for then.
    pub fn told(&mut self, process: &str, claimed: &Claimed, asked: Instant) {
        self.told.insert((process.to_owned(), key_of(claimed)), asked);
    }

    /// A process acts for this firing.
    pub fn acts(&mut self, process: &str, key: &Key) {
        // Timers go by whole milliseconds.
        let slack = std::time::Duration::from_millis(2);
        let told = self.told.get(&(process.to_owned(), key.clone()));
        let may = told.is_some_and(|asked| asked.elapsed() <= LEASE + slack);
        self.judge_firing(key, must(may, "a job goes on only while its lease surely holds"));
    }
}
