//! What must be true when everything is over.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::{super::outside::Outside, Key, Oracle, must};
use crate::memory::schedules::{Rows, State};

/// Nobody looks less often.
const A_LOOK: time::Duration = time::Duration::seconds(10);

impl Oracle {
    /// Firings that have not ended, of schedules that are declared.
    pub fn open(&self) -> Vec<Key> {
        let lives = |key: &&Key| self.accounts.get(&key.0).is_some_and(|account| !account.retired);
        self.open.iter().filter(lives).cloned().collect()
    }

    /// Compares rows and effects with the account.
    pub fn settle(&mut self, rows: &Rows, outside: &Outside, now: OffsetDateTime) {
        self.compare(rows);
        for (name, row) in rows.schedules.iter().filter(|(_, row)| !row.row.retired) {
            self.judge(name, must(row.fires_at > now - A_LOOK, "what is due fires in time"));
        }
        let mut ended = Vec::new();
        for (key, row) in &rows.firings {
            let case = &self.cases[key];
            let (same, counted) = (
                case.end == Some(row.state).filter(|state| state.is_over()),
                (case.attempts, case.fence, case.lease_until, case.not_before)
                    == (row.attempts, row.fence, row.lease_until, row.not_before),
            );
            ended.push((key, must(same && counted, "a row says how its firing ended")));
            let told = row.error.is_some() == (row.state == State::Failed);
            ended.push((
                key,
                must(told || !row.state.is_over(), "what failed says why, and what is done has no error"),
            ));
            let complete = row.state != State::Done || outside.is_done(key);
            ended.push((key, must(complete, "what is done has every effect")));
        }
        ended.into_iter().for_each(|(key, verdict)| self.judge_firing(key, verdict));
        let effects: BTreeSet<_> = outside.effects().collect();
        for key in effects {
            self.judge_firing(key, must(self.cases.contains_key(key), "only what fired has effects"));
        }
    }
}
