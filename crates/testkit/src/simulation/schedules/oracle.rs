//! What must never happen, checked the moment it would.
//!
//! The oracle keeps its own account of schedules, firings and leases from what really happened at the far end of every link. It
//! finds due moments by walking through the minutes, and shares no code with what it judges.

mod attempt;
mod decided;
mod declared;
mod end;
mod lease;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use common::schedules::Misses;
use time::{Duration, OffsetDateTime};
use tokio::{task, time::Instant};

use super::{
    calendar::{Due, Shape},
    job::Ran,
    name,
    plan::Plan,
};
use crate::memory::schedules::{Key, State};

/// The account of everything.
pub struct Oracle {
    /// The time that calendars are for.
    window: (OffsetDateTime, OffsetDateTime),
    calendars: BTreeMap<(&'static str, String), Arc<[Due]>>,
    accounts: BTreeMap<String, Account>,
    cases: BTreeMap<Key, Case>,
    /// The firings that have not ended.
    open: BTreeSet<Key>,
    /// When each process asked for the lease that it was told of last.
    told: BTreeMap<(String, Key), Instant>,
    /// How a task's job came back. Each claim is run in a task of its own.
    results: HashMap<task::Id, Ran>,
    stopping: BTreeSet<String>,
    /// When each moment fires, with jitter of so many seconds at most.
    jittered: BTreeMap<(Key, u16), OffsetDateTime>,
    seen: BTreeMap<Seen, usize>,
    violation: Option<String>,
}

/// The account of one schedule.
struct Account {
    service: String,
    job: String,
    cron: &'static str,
    zone: String,
    misses: Misses,
    jitter_seconds: u16,
    calendar: Arc<[Due]>,
    /// The first moment that nobody has decided about.
    next: usize,
    held: bool,
    retired: bool,
    spoiled: bool,
}

/// The account of one firing.
struct Case {
    fires_at: OffsetDateTime,
    /// Those that count.
    attempts: i32,
    fence: i64,
    lease_until: Option<OffsetDateTime>,
    not_before: OffsetDateTime,
    end: Option<State>,
}

/// What a simulation came across; one that never sees something proves nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    FiredOnTime,
    CaughtUp,
    Skipped,
    BeyondHorizon,
    BeyondCap,
    /// A moment that a change of clocks moved or repeated.
    Odd,
    /// The row was moved back, and a moment came a second time.
    FiredBefore,
    HeldBySomebody,
    CannotBeFollowed,
    Retired,
    CameBack,
    ChangedExpression,
    ChangedPolicy,
    Done,
    FailedAtOnce,
    FailedInTheEnd,
    NoneCameBack,
    TriedAgain,
    GivenBack,
    LeaseLost,
}

impl Seen {
    pub const ALL: [Self; 20] = [
        Self::FiredOnTime,
        Self::CaughtUp,
        Self::Skipped,
        Self::BeyondHorizon,
        Self::BeyondCap,
        Self::Odd,
        Self::FiredBefore,
        Self::HeldBySomebody,
        Self::CannotBeFollowed,
        Self::Retired,
        Self::CameBack,
        Self::ChangedExpression,
        Self::ChangedPolicy,
        Self::Done,
        Self::FailedAtOnce,
        Self::FailedInTheEnd,
        Self::NoneCameBack,
        Self::TriedAgain,
        Self::GivenBack,
        Self::LeaseLost,
    ];
}

type Verdict = Result<(), &'static str>;

fn must(holds: bool, rule: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(rule) }
}

impl Oracle {
    pub fn new(plan: &Plan) -> Self {
        // Clocks are set back by hours, and the end is waited for.
        let window = (plan.begin - Duration::hours(12), plan.begin + plan.gaps + Duration::days(4));
        Self {
            window,
            calendars: BTreeMap::new(),
            accounts: BTreeMap::new(),
            cases: BTreeMap::new(),
            open: BTreeSet::new(),
            told: BTreeMap::new(),
            results: HashMap::new(),
            stopping: BTreeSet::new(),
            jittered: BTreeMap::new(),
            seen: BTreeMap::new(),
            violation: None,
        }
    }

    /// The first rule that did not hold.
    pub fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    pub fn seen(&self) -> &BTreeMap<Seen, usize> {
        &self.seen
    }

    pub fn violated(&mut self, what: impl std::fmt::Display, rule: impl std::fmt::Display) {
        self.violation.get_or_insert_with(|| format!("{what}: {rule}"));
    }

    fn judge(&mut self, what: impl std::fmt::Display, verdict: Verdict) {
        if let Err(rule) = verdict {
            self.violated(what, rule);
        }
    }

    fn judge_firing(&mut self, key: &Key, verdict: Verdict) {
        self.judge(name(key), verdict);
    }

    fn see(&mut self, seen: Seen, times: usize) {
        *self.seen.entry(seen).or_default() += times;
    }

    /// Every moment of this expression in this zone.
    fn calendar(&mut self, shape: &'static Shape, zone: &str) -> Arc<[Due]> {
        let (from, to) = self.window;
        let found = || shape.moments(zone, from, to).into();
        self.calendars.entry((shape.cron, zone.to_owned())).or_insert_with(found).clone()
    }

    /// A person holds a schedule back, or lets it go on.
    pub fn held(&mut self, schedule: &str, held: bool) {
        if let Some(account) = self.accounts.get_mut(schedule) {
            account.held = held;
            self.see(Seen::HeldBySomebody, usize::from(held));
        }
    }

    /// Somebody edited a row by hand, or mended it.
    pub fn spoiled(&mut self, schedule: &str, spoiled: bool) {
        if let Some(account) = self.accounts.get_mut(schedule) {
            account.spoiled = spoiled;
        }
    }

    /// The expression that a schedule's row should have.
    pub fn cron_of(&self, schedule: &str) -> Option<&'static str> {
        self.accounts.get(schedule).map(|account| account.cron)
    }

    /// This process was told to stop.
    pub fn stops(&mut self, process: &str) {
        self.stopping.insert(process.to_owned());
    }

    /// The lease was ended by force.
    pub fn lease_ended(&mut self, key: &Key, now: OffsetDateTime) {
        if let Some(case) = self.cases.get_mut(key) {
            case.lease_until = Some(now);
        }
    }
}

impl Account {
    fn is_open(&self, jobs: &[&str]) -> bool {
        !self.held && !self.retired && jobs.contains(&&*self.job)
    }
}
