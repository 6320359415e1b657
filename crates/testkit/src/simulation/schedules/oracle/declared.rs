//! What a declaration may make of the schedules there are.

use common::schedules::{Rule, Schedule};
use time::OffsetDateTime;

use super::{super::calendar::Shape, Account, Oracle, Seen, must};
use crate::memory::schedules::{Rows, ScheduleRow};

impl Oracle {
    /// A service declared these.
    pub fn declared(
        &mut self,
        service: &str,
        declared: &[(Schedule, Rule)],
        rows: &Rows,
        now: OffsetDateTime,
    ) {
        for (schedule, _) in declared {
            self.declared_one(service, schedule, now);
        }
        let left_out = self.accounts.iter_mut().filter(|(name, account)| {
            account.service == service
                && !account.retired
                && declared.iter().all(|(schedule, _)| schedule.name != **name)
        });
        let retired = left_out.map(|(_, account)| account.retired = true).count();
        self.see(Seen::Retired, retired);
        self.compare(rows);
    }

    fn declared_one(&mut self, service: &str, schedule: &Schedule, now: OffsetDateTime) {
        let shape = Shape::of(&schedule.cron).expect("it is one of the shapes");
        let calendar = self.calendar(shape, &schedule.zone);
        // Moments are whole seconds: those of this very second have come.
        let next = calendar.partition_point(|due| due.at <= now);
        let before = self.accounts.remove(&schedule.name);
        let goes_on = before.as_ref().filter(|before| {
            let same = (before.cron, &before.zone) == (&*schedule.cron, &schedule.zone);
            !before.retired && !before.spoiled && same
        });
        let policy = (schedule.misses, schedule.jitter_seconds);
        let seen = before.as_ref().map(|before| match goes_on {
            _ if before.retired => (Seen::CameBack, 1),
            None => (Seen::ChangedExpression, 1),
            Some(before) => {
                (Seen::ChangedPolicy, usize::from((before.misses, before.jitter_seconds) != policy))
            }
        });
        let account = Account {
            service: service.to_owned(),
            job: schedule.job.clone(),
            cron: shape.cron,
            zone: schedule.zone.clone(),
            misses: schedule.misses,
            jitter_seconds: schedule.jitter_seconds,
            calendar,
            next: goes_on.map_or(next, |before| before.next),
            held: before.as_ref().is_some_and(|before| before.held),
            retired: false,
            spoiled: false,
        };
        self.accounts.insert(schedule.name.clone(), account);
        seen.into_iter().for_each(|(seen, times)| self.see(seen, times));
    }

    /// Holds every row against its account.
    pub fn compare(&mut self, rows: &Rows) {
        let (accounts, schedules) = (self.accounts.len(), rows.schedules.len());
        self.judge("schedules", must(accounts == schedules, "every declared schedule has a row"));
        let names: Vec<_> = self.accounts.keys().cloned().collect();
        for name in names {
            match rows.schedules.get(&name) {
                Some(row) => self.compare_one(&name, row),
                None => self.violated(&name, "what is declared has a row"),
            }
        }
    }

    /// Holds a row against its account.
    pub(super) fn compare_one(&mut self, name: &str, row: &ScheduleRow) {
        let Some(account) = self.accounts.get(name) else {
            return self.violated(name, "only what is declared has a row");
        };
        let next = account.calendar[account.next].at;
        let (jitter, at_most) =
            (row.fires_at - row.row.next_due, time::Duration::seconds(account.jitter_seconds.into()));
        let policy = (
            row.row.misses == account.misses.as_str(),
            row.row.jitter_seconds == i32::from(account.jitter_seconds),
        );
        let verdict =
            must(row.row.next_due == next, "the next moment is the first that nobody decided about")
                .and_then(|()| {
                    must(jitter >= time::Duration::ZERO && jitter <= at_most, "jitter has a bound")
                })
                .and_then(|()| must(policy == (true, true), "a row says what was declared last"))
                .and_then(|()| {
                    must(row.row.retired == account.retired, "what is declared no longer is retired")
                })
                .and_then(|()| {
                    must(row.pause.is_some() == account.held, "a pause stays until somebody ends it")
                });
        let key = ((name.to_owned(), next), account.jitter_seconds);
        self.judge(name, verdict);
        self.fires_at(key, row.fires_at);
    }
}
