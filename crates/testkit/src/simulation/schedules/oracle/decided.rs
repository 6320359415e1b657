//! What fires and what is passed over.

use common::schedules::{Decided, Misses};
use time::{Duration, OffsetDateTime};

use super::{super::calendar::Due, Case, Key, Oracle, Seen, must};
use crate::memory::schedules::Rows;

/// A moment decided about later than this was missed.
const GRACE: Duration = Duration::seconds(60);
/// So many are caught up.
const AT_MOST: usize = 1_000;
/// What was due longer ago is passed over.
const HORIZON: Duration = Duration::days(31);

/// What became of the moments of one decision.
#[derive(Default)]
struct Tally {
    beyond: usize,
    fired: usize,
    skipped: usize,
    dropped: usize,
    before: usize,
}

impl Oracle {
    /// Somebody looked for what is due, and this became of one schedule, or of none.
    pub fn decided(&mut self, jobs: &[&str], decided: Option<&Decided>, rows: &Rows, now: OffsetDateTime) {
        let Some(decided) = decided else {
            let open = self.accounts.iter().filter(|(_, account)| account.is_open(jobs));
            let due = open.map(|(name, _)| name).find(|name| rows.schedules[*name].fires_at <= now).cloned();
            return due.into_iter().for_each(|name| self.violated(name, "what is due is decided about"));
        };
        let (name, row) = (&*decided.schedule, &rows.schedules[&decided.schedule]);
        let Some(account) = self.accounts.get_mut(name) else {
            return self.violated(name, "only what is declared is decided about");
        };
        let open =
            must(account.is_open(jobs), "what is held, retired or somebody else's is not decided about");
        let (first, counts) = (account.next, (decided.fired, decided.passed_over));
        let since = must(decided.since == account.calendar[first].at, "it is said since when");
        if account.spoiled {
            account.held = true;
            self.see(Seen::CannotBeFollowed, 1);
            self.judge(name, open.and(must(counts == (0, 0), "what cannot be followed fires nothing")));
            return self.compare_one(name, row);
        }
        let next = account.calendar.partition_point(|due| due.at < row.row.next_due);
        account.next = next.max(first);
        let (moments, misses) = (account.calendar[first..account.next].to_vec(), account.misses);
        let jitter = account.jitter_seconds;
        self.judge(name, open.and(since));
        let left = must(row.fires_at > now, "nothing that is due is left");
        self.judge(name, left.and(must(!moments.is_empty(), "a decision is about something that is due")));
        let tally = self.tally(name, &moments, (misses, jitter), rows, now);
        let passed = usize::from(tally.beyond > 0) + tally.skipped + tally.dropped;
        let counted = counts.0 == tally.fired as u64 && (counts.1 == passed as u64 || tally.before > 0);
        self.judge(name, must(counted, "what fired and what was passed over is counted"));
        self.judge(name, must(self.cases.len() == rows.firings.len(), "only what is due fires"));
        self.see(Seen::BeyondHorizon, tally.beyond.min(1));
        self.see(Seen::Skipped, tally.skipped);
        self.see(Seen::BeyondCap, tally.dropped);
        self.see(Seen::FiredBefore, tally.before);
        self.compare_one(name, row);
    }

    fn tally(
        &mut self,
        name: &str,
        moments: &[Due],
        (misses, jitter): (Misses, u16),
        rows: &Rows,
        now: OffsetDateTime,
    ) -> Tally {
        let mut tally = Tally::default();
        let long = moments.first().is_some_and(|first| first.at < now - HORIZON);
        let beyond = if long { moments.partition_point(|due| due.at <= now - HORIZON) } else { 0 };
        tally.beyond = beyond;
        // Of what is caught up, the newest.
        let too_many = moments.len().saturating_sub(beyond + AT_MOST);
        for (number, due) in moments.iter().enumerate() {
            let key = (name.to_owned(), due.at);
            let fired_before = self.cases.contains_key(&key);
            let fires = !fired_before && rows.firings.contains_key(&key);
            let earliest = due.at <= now && now - due.at > GRACE;
            let verdict = match (fires, misses) {
                _ if fired_before => {
                    tally.before += 1;
                    Ok(())
                }
                (true, _) if number < beyond => Err("what was due too long ago does not fire"),
                (true, Misses::CatchUp) => must(number >= beyond + too_many, "only so many are caught up"),
                (true, Misses::Skip) => {
                    must(rows.firings[&key].fires_at + GRACE >= now, "what was missed is skipped")
                }
                (false, _) if number < beyond => Ok(()),
                (false, Misses::CatchUp) => {
                    tally.dropped += 1;
                    must(number < beyond + too_many, "every missed moment is caught up")
                }
                (false, Misses::Skip) => {
                    tally.skipped += 1;
                    must(earliest, "what is not missed fires")
                }
            };
            self.judge_firing(&key, verdict);
            if fires {
                tally.fired += 1;
                self.fires(key, *due, jitter, rows, now);
            }
        }
        tally
    }

    fn fires(&mut self, key: Key, due: Due, jitter: u16, rows: &Rows, now: OffsetDateTime) {
        let row = &rows.firings[&key];
        let at_most = Duration::seconds(jitter.into());
        let verdict = must(row.fires_at <= now, "nothing fires before its time").and_then(|()| {
            must(row.fires_at >= due.at && row.fires_at <= due.at + at_most, "jitter has a bound")
        });
        self.see(if now - row.fires_at > GRACE { Seen::CaughtUp } else { Seen::FiredOnTime }, 1);
        self.see(Seen::Odd, usize::from(due.odd));
        self.judge_firing(&key, verdict);
        self.fires_at((key.clone(), jitter), row.fires_at);
        let case = Case {
            fires_at: row.fires_at,
            attempts: 0,
            fence: 0,
            lease_until: None,
            not_before: now,
            end: None,
        };
        self.open.insert(key.clone());
        self.cases.insert(key, case);
    }

    /// A moment's jitter was seen.
    pub(super) fn fires_at(&mut self, key: (Key, u16), fires_at: OffsetDateTime) {
        let moment = super::name(&key.0);
        let first = *self.jittered.entry(key).or_insert(fires_at);
        self.judge(moment, must(first == fires_at, "a moment's jitter is always the same"));
    }
}
