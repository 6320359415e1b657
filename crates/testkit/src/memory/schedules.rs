//! Schedules kept in memory, under a clock of one's own.
//!
//! They answer as the Postgres record does, statement for statement; `tests/same_answers.rs` asks both the same questions.

mod row;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use common::schedules::{
    Claimed, Decided, Decision, Firing, Outcome, Record, Rule, Schedule, ScheduleError, Subject, first_moment,
};
use time::OffsetDateTime;

pub use row::{FiringRow, Pause, ScheduleRow, State};

/// The server's time.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// A schedule's name and a moment it was due at.
pub type Key = (String, OffsetDateTime);

/// Both tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub schedules: BTreeMap<String, ScheduleRow>,
    pub firings: BTreeMap<Key, FiringRow>,
    /// The firings that have not ended.
    open: BTreeSet<Key>,
}

/// A record of schedules in memory.
pub struct MemorySchedules {
    clock: Clock,
    lease: Duration,
    rows: Mutex<Rows>,
}

impl fmt::Debug for MemorySchedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySchedules").field("rows", &*self.rows()).finish_non_exhaustive()
    }
}

impl MemorySchedules {
    /// A record without schedules.
    pub fn new(clock: Clock, lease: Duration) -> Self {
        Self { clock, lease, rows: Mutex::default() }
    }

    /// The server's present time.
    pub fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// Everything as it is now.
    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    /// A person holds this schedule back, or lets it go on. `false`: there is none, or it is so already.
    pub fn pause(&self, name: &str, pause: Option<Pause>) -> bool {
        let mut rows = self.rows();
        let Some(row) = rows.schedules.get_mut(name) else { return false };
        let turned = row.pause.is_some() != pause.is_some();
        if turned {
            row.pause = pause;
        }
        turned
    }

    /// Somebody edits this row by hand. `false`: there is none.
    pub fn edit(&self, name: &str, cron: &str) -> bool {
        self.rows().schedules.get_mut(name).is_some_and(|row| {
            cron.clone_into(&mut row.row.cron);
            true
        })
    }

    /// Changes the row of what was claimed, if the fence is the newest and its lease has not ended.
    fn held(
        &self,
        claimed: &Claimed,
        change: impl FnOnce(&mut FiringRow, OffsetDateTime),
    ) -> Result<(), ScheduleError> {
        let (now, key) = (self.now(), (claimed.firing.schedule.clone(), claimed.firing.due_at));
        let mut rows = self.rows();
        let row = rows.firings.get_mut(&key);
        let row = row.filter(|row| row.fence == claimed.fence && row.lease_runs(now));
        let row = row.ok_or(ScheduleError::LeaseLost)?;
        change(row, now);
        if row.state.is_over() {
            rows.open.remove(&key);
        }
        Ok(())
    }
}

impl Rows {
    /// The oldest firing of these jobs that may be run now.
    fn oldest(&self, jobs: &[&str], now: OffsetDateTime) -> Option<Key> {
        let open = self.schedules.values().filter(|schedule| schedule.is_open(jobs));
        let firsts = open.filter_map(|schedule| self.first_open(&schedule.row.name));
        let free = firsts.filter(|(_, row)| row.not_before <= now && !row.lease_runs(now));
        free.min_by_key(|((schedule, due_at), _)| (*due_at, schedule.clone())).map(|(key, _)| key.clone())
    }

    /// The oldest firing of this schedule that has not ended: the only one that may be run.
    pub fn first_open(&self, schedule: &str) -> Option<(&Key, &FiringRow)> {
        let first = (schedule.to_owned(), OffsetDateTime::UNIX_EPOCH);
        let key = self.open.range(first..).next().filter(|(name, _)| name == schedule)?;
        self.firings.get_key_value(key)
    }

    /// Makes a schedule's row what is said here.
    fn make(
        &mut self,
        service: &str,
        schedule: &Schedule,
        rule: &Rule,
        now: OffsetDateTime,
    ) -> Result<(), ScheduleError> {
        let existing = self.schedules.get(&schedule.name);
        let next = first_moment(existing.map(|row| &row.row), service, schedule, rule, now)?;
        if let Some(next) = next {
            let pause = existing.and_then(|row| row.pause.clone());
            let row = ScheduleRow::new(service, schedule, next, pause);
            self.schedules.insert(schedule.name.clone(), row);
        }
        Ok(())
    }

    /// Inserts what fires and moves the row on. Returns how much was new.
    fn write(&mut self, name: &str, decision: &Decision, now: OffsetDateTime) -> u64 {
        let before = self.firings.len();
        for moment in &decision.fire {
            let key = (name.to_owned(), moment.due_at);
            self.firings.entry(key).or_insert_with_key(|key| {
                self.open.insert(key.clone());
                FiringRow::new(moment.fires_at, now)
            });
        }
        if let Some(row) = self.schedules.get_mut(name) {
            (row.row.next_due, row.fires_at) = (decision.next.due_at, decision.next.fires_at);
        }
        (self.firings.len() - before) as u64
    }
}

#[async_trait]
impl Record for MemorySchedules {
    fn lease(&self) -> Duration {
        self.lease
    }

    async fn declare(&self, service: &str, declared: &[(Schedule, Rule)]) -> Result<(), ScheduleError> {
        let (now, mut rows) = (self.now(), self.rows());
        for (schedule, rule) in declared {
            rows.make(service, schedule, rule, now)?;
        }
        let declared_in_code =
            |row: &&mut ScheduleRow| row.row.service == service && row.row.subject() == Subject::Platform;
        for row in rows.schedules.values_mut().filter(declared_in_code) {
            row.row.retired |= declared.iter().all(|(schedule, _)| schedule.name != row.row.name);
        }
        Ok(())
    }

    async fn ensure(&self, service: &str, schedule: &Schedule, rule: &Rule) -> Result<(), ScheduleError> {
        let (now, mut rows) = (self.now(), self.rows());
        rows.make(service, schedule, rule, now)
    }

    async fn remove(&self, service: &str, name: &str) -> Result<(), ScheduleError> {
        let mut rows = self.rows();
        let row = rows.schedules.get_mut(name).filter(|row| row.row.service == service);
        row.into_iter().for_each(|row| row.row.retired = true);
        Ok(())
    }

    async fn fire_one(&self, jobs: &[&str]) -> Result<Option<Decided>, ScheduleError> {
        let (now, mut rows) = (self.now(), self.rows());
        let due = rows.schedules.values().filter(|row| row.is_open(jobs) && row.fires_at <= now);
        let Some(row) = due.min_by_key(|row| row.fires_at).map(|row| row.row.clone()) else {
            return Ok(None);
        };
        let (mut fired, mut passed_over) = (0, 0);
        match row.decide(now) {
            Ok(decision) => {
                passed_over = decision.passed_over;
                fired = rows.write(&row.name, &decision, now);
            }
            Err(why) => {
                let held = rows.schedules.get_mut(&row.name);
                held.into_iter()
                    .for_each(|row| row.pause = Some(Pause { by: "rp9".into(), why: why.clone() }));
            }
        }
        Ok(Some(Decided { schedule: row.name, job: row.job, since: row.next_due, fired, passed_over }))
    }

    async fn claim(&self, jobs: &[&str]) -> Result<Option<Claimed>, ScheduleError> {
        let (now, mut rows) = (self.now(), self.rows());
        let Some(key) = rows.oldest(jobs, now) else { return Ok(None) };
        let Rows { schedules, firings, .. } = &mut *rows;
        let (Some(schedule), Some(row)) = (schedules.get(&key.0), firings.get_mut(&key)) else {
            return Ok(None);
        };
        row.state = State::Running;
        row.attempts += 1;
        row.fence += 1;
        row.lease_until = Some(now + self.lease);
        let late = Duration::try_from(now - row.fires_at).unwrap_or_default();
        let (attempt, fence, job) = (row.attempts, row.fence, schedule.row.job.clone());
        let (subject, payload) = (schedule.row.subject(), schedule.row.payload.clone());
        let firing = Firing { schedule: key.0, due_at: key.1, subject, payload, attempt };
        Ok(Some(Claimed { firing, job, fence, late }))
    }

    async fn renew(&self, claimed: &Claimed) -> Result<(), ScheduleError> {
        self.held(claimed, |row, now| row.lease_until = Some(now + self.lease))
    }

    async fn finish(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), ScheduleError> {
        self.held(claimed, |row, now| row.end_attempt(outcome, now))
    }
}
