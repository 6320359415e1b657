//! Which copies of the record there are: what the store lists. A set counts once its manifest is there, which is written when all of it was read
//! back.

use std::collections::{BTreeMap, BTreeSet};

use objects::{Key, Listed, ObjectError, Objects, manifest::MANIFEST};
use time::{Date, OffsetDateTime, PrimitiveDateTime, macros::format_description};

use crate::keeping;

/// Below what all dumps are.
pub const DUMPS: &str = "record/dumps";
/// Two days of hours.
const HOURLY: usize = 48;
/// And two weeks of days, by UTC.
const DAILY: usize = 14;

const STAMP: &[time::format_description::BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// A whole one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    pub folder: Key,
    /// To the second.
    pub taken_at: OffsetDateTime,
    /// What all its objects take.
    pub bytes: u64,
}

/// What is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// Those that count, the newest first.
    pub whole: Vec<Set>,
    /// Folders of those that somebody began, or has begun to remove.
    pub unfinished: Vec<Key>,
}

impl Sets {
    /// The newest that is of this moment or an earlier one.
    pub fn newest(&self, at: Option<OffsetDateTime>) -> Option<&Set> {
        self.whole.iter().find(|set| at.is_none_or(|at| set.taken_at <= at))
    }
}

/// A new folder's name, of this moment, and like no other's.
pub fn name(taken_at: OffsetDateTime) -> String {
    let tail = uuid::Uuid::now_v7().simple().to_string();
    format!("{}-{}", stamp(taken_at), tail.get(24..).unwrap_or_default())
}

/// A moment, to the second, in the names of things.
pub(super) fn stamp(moment: OffsetDateTime) -> String {
    // A moment of this age of the world has four digits for its year.
    moment.to_offset(time::UtcOffset::UTC).format(STAMP).unwrap_or_default()
}

/// The same as people write it, and `--at` reads it.
pub fn written(moment: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    moment.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// The moment of such a name's part.
pub(super) fn moment(stamp: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(stamp, STAMP).ok().map(PrimitiveDateTime::assume_utc)
}

/// Asks the store.
pub async fn look(objects: &dyn Objects) -> Result<Sets, ObjectError> {
    Ok(sets(&objects.list(&all()?).await?))
}

/// Removes what nobody finished. Only one dump is made at a time, so whoever makes it may.
pub async fn remove_unfinished(objects: &dyn Objects) -> Result<(), ObjectError> {
    for folder in look(objects).await?.unfinished {
        keeping::remove(objects, &folder).await?;
        tracing::warn!(%folder, "a dump of the record that nobody finished was removed");
    }
    for upload in objects.unfinished(&all()?).await? {
        objects.abandon(&upload).await?;
    }
    Ok(())
}

/// Removes what was kept for long enough.
pub async fn remove_old(objects: &dyn Objects) -> Result<(), ObjectError> {
    for set in superfluous(&look(objects).await?.whole) {
        keeping::remove(objects, &set.folder).await?;
        tracing::info!(folder = %set.folder, "a dump of the record was kept for as long as it is kept");
    }
    Ok(())
}

fn all() -> Result<Key, ObjectError> {
    DUMPS.parse().map_err(|error: objects::KeyError| ObjectError::Foreign(error.to_string()))
}

pub(super) fn taken_at(name: &str) -> Option<OffsetDateTime> {
    name.split_once('-').and_then(|(stamp, _)| moment(stamp))
}

/// What is not called like one of ours is left alone.
pub(super) fn sets(listed: &[Listed]) -> Sets {
    let mut folders: BTreeMap<&str, (bool, u64)> = BTreeMap::new();
    for object in listed {
        let Some((folder, name)) = object.key.as_str().rsplit_once('/') else { continue };
        let (whole, bytes) = folders.entry(folder).or_default();
        *whole |= name == MANIFEST;
        *bytes += object.bytes;
    }
    let mut sets = Sets::default();
    for (folder, (whole, bytes)) in folders.into_iter().rev() {
        let Ok(folder) = folder.parse::<Key>() else { continue };
        match taken_at(folder.name()) {
            Some(taken_at) if whole => sets.whole.push(Set { folder, taken_at, bytes }),
            Some(_) => sets.unfinished.push(folder),
            None => {}
        }
    }
    sets
}

/// Those that go, of whole ones, the newest first. Pure. The newest of all stays, whatever the time is.
fn superfluous(whole: &[Set]) -> Vec<&Set> {
    let mut days: BTreeSet<Date> = BTreeSet::new();
    let is_superfluous = |(position, set): (usize, &'_ Set)| {
        let is_days_newest = !days.contains(&set.taken_at.date());
        let stays_for_its_day = is_days_newest && days.len() < DAILY;
        days.insert(set.taken_at.date());
        position >= HOURLY && !stays_for_its_day
    };
    let mut goes = is_superfluous;
    whole.iter().enumerate().filter(|(position, set)| goes((*position, set))).map(|(_, set)| set).collect()
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    fn listed(key: &str) -> Listed {
        Listed { key: key.parse().unwrap(), bytes: 10 }
    }

    #[test]
    fn only_what_has_a_manifest_counts_and_what_is_called_otherwise_is_left_alone() {
        let found = sets(&[
            listed("record/dumps/20261128T010000Z-0a0a0a0a/database.dump.zst.age"),
            listed("record/dumps/20261128T010000Z-0a0a0a0a/manifest.json"),
            listed("record/dumps/20261128T020000Z-0b0b0b0b/database.dump.zst.age"),
            listed("record/dumps/20261128T000000Z-0c0c0c0c/manifest.json"),
            listed("record/dumps/somebody-elses/manifest.json"),
        ]);
        let whole: Vec<_> = found.whole.iter().map(|set| (set.folder.name(), set.bytes)).collect();
        assert_eq!(whole, [("20261128T010000Z-0a0a0a0a", 20), ("20261128T000000Z-0c0c0c0c", 10)]);
        assert_eq!(found.unfinished, ["record/dumps/20261128T020000Z-0b0b0b0b".parse().unwrap()]);
        let taken = |at| found.newest(at).map(|set| set.taken_at);
        assert_eq!(taken(None), Some(datetime!(2026-11-28 01:00 UTC)));
        assert_eq!(taken(Some(datetime!(2026-11-28 00:59:59 UTC))), Some(datetime!(2026-11-28 00:00 UTC)));
        assert_eq!(taken(Some(datetime!(2026-11-27 00:00 UTC))), None);
        assert_eq!(taken_at(&name(datetime!(2026-11-28 01:00 UTC))), taken(None));
    }

    #[test]
    fn two_days_of_hours_and_two_weeks_of_days_are_kept() {
        let newest = datetime!(2026-11-28 12:00 UTC);
        let whole: Vec<_> = (0..24 * 40)
            .map(|hours| Set {
                folder: "a".parse().unwrap(),
                taken_at: newest - Duration::hours(hours),
                bytes: 1,
            })
            .collect();
        let goes: Vec<_> = superfluous(&whole).iter().map(|set| set.taken_at).collect();
        let stay: Vec<_> =
            whole.iter().map(|set| set.taken_at).filter(|moment| !goes.contains(moment)).collect();
        assert_eq!(stay.len(), 48 + 11, "of three days there are all, or the first half");
        assert_eq!(stay.first(), Some(&newest));
        assert_eq!(stay.last(), Some(&datetime!(2026-11-15 23:00 UTC)));
        // However old it is.
        assert_eq!(superfluous(&whole[..1]), [] as [&Set; 0]);
    }
}
