//! How much of what was written is in the store, and how old the rest is. Quiet is not old: what has no successor is as good as of now.

use std::{collections::VecDeque, io::Cursor};

use objects::{ObjectError, Objects};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::io::AsyncReadExt as _;

use super::{archive::Lineage, lsn::Lsn};
use crate::record::RecordError;

/// What the object is called, beside the strands.
const POSITION: &str = "position.json";
/// Much more than it has.
const LONGEST: u64 = 4 << 10;
/// So many moments are remembered. Of more every other one goes: one in a while is enough.
const MOST: usize = 2_048;

/// All WAL before this is in the store, and read back; and it was all there was at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub lsn: Lsn,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl Position {
    /// As the store has it. What is in the way of reading it is as good as none: the next one replaces it.
    pub async fn read(objects: &dyn Objects, lineage: Lineage) -> Result<Option<Self>, RecordError> {
        let key = lineage.folder()?.child(POSITION).map_err(|_| RecordError::Address)?;
        let stream = match objects.get(&key).await {
            Err(ObjectError::NotFound(_)) => return Ok(None),
            stream => stream?,
        };
        let mut text = Vec::new();
        stream.take(LONGEST).read_to_end(&mut text).await.map_err(ObjectError::Source)?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Replaces what the store has.
    pub async fn write(self, objects: &dyn Objects, lineage: Lineage) -> Result<(), RecordError> {
        let key = lineage.folder()?.child(POSITION).map_err(|_| RecordError::Address)?;
        objects.put(&key, Box::pin(Cursor::new(serde_json::to_vec(&self)?))).await?;
        Ok(())
    }

    /// How long ago the oldest change was made that is not in the store; at most. `written`: where the server is now.
    pub fn age(self, seen: &Seen, written: Lsn, now: OffsetDateTime) -> time::Duration {
        if written <= self.lsn {
            return time::Duration::ZERO;
        }
        let since = seen.moment(self.lsn).map_or(self.at, |moment| moment.max(self.at));
        (now - since).max(time::Duration::ZERO)
    }
}

/// Where the server was, and when.
#[derive(Debug, Default, Clone)]
pub struct Seen(VecDeque<(OffsetDateTime, Lsn)>);

impl Seen {
    /// It is there now.
    pub fn note(&mut self, at: OffsetDateTime, lsn: Lsn) {
        match self.0.back_mut() {
            // A server that went back is another one, or a clock did.
            Some((_, last)) if *last > lsn => self.0.clear(),
            Some((since, last)) if *last == lsn => {
                *since = at;
                return;
            }
            _ => {}
        }
        self.0.push_back((at, lsn));
        if self.0.len() > MOST {
            let mut position = 0;
            self.0.retain(|_| {
                position += 1;
                position % 2 == 1 || position > MOST
            });
        }
    }

    /// The last moment at which all there was was before this position.
    pub fn moment(&self, lsn: Lsn) -> Option<OffsetDateTime> {
        self.0.iter().rev().find(|(_, seen)| *seen <= lsn).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);

    #[test]
    fn what_is_not_in_the_store_is_as_old_as_the_last_moment_at_which_it_was_not_there() {
        let position = Position { lsn: Lsn(100), at: NOON };
        let after = |seconds| NOON + Duration::seconds(seconds);
        let mut seen = Seen::default();
        assert_eq!(
            position.age(&seen, Lsn(100), after(3_600)),
            Duration::ZERO,
            "an hour in which nothing happened"
        );
        assert_eq!(
            position.age(&seen, Lsn(101), after(60)),
            Duration::seconds(60),
            "nobody has looked since"
        );
        seen.note(after(10), Lsn(90));
        seen.note(after(20), Lsn(100));
        seen.note(after(50), Lsn(100));
        seen.note(after(60), Lsn(120));
        assert_eq!(
            position.age(&seen, Lsn(120), after(70)),
            Duration::seconds(20),
            "it may have been right after 50"
        );
        assert_eq!((seen.moment(Lsn(99)), seen.moment(Lsn(89))), (Some(after(10)), None));
        // Of another server nothing is known.
        seen.note(after(80), Lsn(5));
        assert_eq!(seen.moment(Lsn(1_000)), Some(after(80)));
    }

    #[test]
    fn a_day_without_the_store_is_remembered_in_a_bounded_room() {
        let mut seen = Seen::default();
        for second in 0..86_400 {
            seen.note(NOON + Duration::seconds(second), Lsn(second.unsigned_abs() + 1));
        }
        assert!(seen.0.len() <= MOST);
        let first = seen.moment(Lsn(1)).unwrap();
        assert_eq!(first, NOON, "the oldest is what the age is told by");
        let late = seen.moment(Lsn(86_400)).unwrap();
        assert_eq!(late, NOON + Duration::seconds(86_399));
    }
}
