//! What is due, and what becomes of what was missed. Pure: no clock, no record.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::{Plan, PlanError};

/// A moment that is decided about later than this was missed.
pub const GRACE: Duration = Duration::seconds(60);
/// So many missed moments are caught up; of more, the newest.
pub const CATCH_UP_AT_MOST: usize = 1_000;
/// What was due longer ago is passed over.
pub const HORIZON: Duration = Duration::days(31);

/// What becomes of moments at which nobody was there: no service ran, the record was away, the schedule was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misses {
    /// Each of them fires as soon as somebody is there, within [`CATCH_UP_AT_MOST`] and [`HORIZON`].
    CatchUp,
    /// None of them fires.
    Skip,
}

impl Misses {
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CatchUp => "catch_up",
            Self::Skip => "skip",
        }
    }
}

impl std::str::FromStr for Misses {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::CatchUp, Self::Skip].into_iter().find(|misses| misses.as_str() == text);
        known.ok_or("misses are one of: catch_up, skip")
    }
}

/// How a schedule fires.
#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    pub plan: Plan,
    pub misses: Misses,
    /// Each moment fires up to so many seconds late, so that not everything of one minute begins in one second.
    pub jitter_seconds: u32,
}

/// One time a schedule is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What the expression says: the moment's name.
    pub due_at: OffsetDateTime,
    /// The same with its jitter.
    pub fires_at: OffsetDateTime,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// These fire, the oldest first.
    pub fire: Vec<Moment>,
    /// So many were missed and do not fire; of those beyond the [`HORIZON`] only that there were some is known.
    pub passed_over: u64,
    /// The first that nobody has decided about.
    pub next: Moment,
}

impl Rule {
    /// This moment with its jitter: always the same for the same schedule and moment, so that replicas agree.
    pub fn moment(&self, due_at: OffsetDateTime) -> Moment {
        let digest = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update(due_at.unix_timestamp().to_be_bytes())
            .finalize();
        let random = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let seconds = random % (u64::from(self.jitter_seconds) + 1);
        Moment { due_at, fires_at: due_at + Duration::seconds(seconds.cast_signed()) }
    }

    /// The first moment after this one.
    pub fn next_after(&self, moment: OffsetDateTime) -> Result<Moment, PlanError> {
        self.plan.next_after(moment).map(|due_at| self.moment(due_at))
    }
}

/// Decides about every moment from `next_due` on that has come by `now`. Moments keep their order: one does not fire before
/// the one before it, whatever their jitter.
pub fn decide(rule: &Rule, next_due: OffsetDateTime, now: OffsetDateTime) -> Result<Decision, PlanError> {
    let mut next = rule.moment(next_due);
    let (mut fire, mut passed_over) = (VecDeque::new(), 0);
    if next_due < now - HORIZON {
        next = rule.next_after(now - HORIZON)?;
        passed_over = 1;
    }
    while next.fires_at <= now {
        let missed = next.fires_at + GRACE < now;
        if missed && rule.misses == Misses::Skip {
            passed_over += 1;
        } else {
            fire.push_back(next);
        }
        if fire.len() > CATCH_UP_AT_MOST {
            fire.pop_front();
            passed_over += 1;
        }
        next = rule.next_after(next.due_at)?;
    }
    Ok(Decision { fire: fire.into(), passed_over, next })
}

#[cfg(test)]
#[path = "due_tests.rs"]
mod tests;
