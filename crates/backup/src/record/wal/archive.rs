//! What WAL the store has: `record/wal/<server>.<bytes of a segment>/<strand>/<segment>-<moment>.zst.age`. Which there is only its list says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use objects::{Key, Listed, ObjectError, Objects};
use time::OffsetDateTime;

use super::lsn::{Lsn, Segment, SegmentBytes};
use crate::record::sets;

/// Below what all of it is.
pub const WAL: &str = "record/wal";
/// What opens a strand's objects, sealed for the recovery key.
pub const STRAND_KEY: &str = "strand-key.age";
/// The master keys of its time, sealed for the strand's key.
pub const STRAND_KEYS: &str = "keys.json.age";
const WHOLE: &str = ".zst.age";
const PARTIAL: &str = ".partial.zst.age";

/// One server's WAL: no other continues it, and whoever restores a server makes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage {
    /// What the server was given when it was made.
    pub system: u64,
    pub segment_bytes: SegmentBytes,
}

impl Lineage {
    /// Where all of its WAL is.
    pub fn folder(self) -> Result<Key, ObjectError> {
        key(&format!("{WAL}/{self}"))
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.system, self.segment_bytes.0)
    }
}

impl FromStr for Lineage {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (system, bytes) = text.split_once('.').ok_or(())?;
        let segment_bytes = bytes.parse().ok().and_then(SegmentBytes::new).ok_or(())?;
        Ok(Self { system: system.parse().map_err(|_| ())?, segment_bytes })
    }
}

/// A segment that was stored, or what there was of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: Key,
    pub segment: Segment,
    /// All that happened until then is in it, or in those before.
    pub at: OffsetDateTime,
    /// As far as it goes.
    pub end: Lsn,
    pub is_whole: bool,
}

impl Stored {
    /// What the object is called.
    pub fn name(lineage: Lineage, segment: Segment, at: OffsetDateTime, end: Option<Lsn>) -> String {
        let (bytes, stamp) = (lineage.segment_bytes, sets::stamp(at));
        match end {
            None => format!("{}-{stamp}{WHOLE}", bytes.name(segment)),
            Some(end) => {
                let offset = end.0.saturating_sub(bytes.start(segment).0);
                format!("{}-{stamp}-{offset:08X}{PARTIAL}", bytes.name(segment))
            }
        }
    }

    fn parse(lineage: Lineage, key: &Key) -> Option<Self> {
        let bytes = lineage.segment_bytes;
        let (text, is_whole) = match key.name().strip_suffix(PARTIAL) {
            Some(text) => (text, false),
            None => (key.name().strip_suffix(WHOLE)?, true),
        };
        let mut parts = text.split('-');
        let segment = bytes.segment(parts.next()?)?;
        let at = sets::moment(parts.next()?)?;
        let end = match (is_whole, parts.next()) {
            (true, None) => bytes.end(segment),
            (false, Some(offset)) => Lsn(bytes.start(segment).0 + u64::from_str_radix(offset, 16).ok()?),
            _ => return None,
        };
        parts.next().is_none().then(|| Self { key: key.clone(), segment, at, end, is_whole })
    }

    /// The folder of its strand.
    pub fn strand(&self) -> &str {
        self.key.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Of one server.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lineages(pub BTreeMap<Lineage, Archive>);

/// What there is of one server's WAL.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Folders of strands, and which of their keys are there.
    pub strands: BTreeMap<String, BTreeSet<String>>,
    pub stored: Vec<Stored>,
    /// All of it, whatever it is.
    pub keys: Vec<Key>,
}

/// WAL without a gap, from a position on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Chain {
    /// In their order; only the last may be a part.
    pub stored: Vec<Stored>,
    /// What there is behind a gap, if there is one: the first that cannot be reached.
    pub beyond: Option<Segment>,
}

impl Chain {
    /// All that happened until then is in it.
    pub fn reach(&self) -> Option<OffsetDateTime> {
        self.stored.iter().map(|stored| stored.at).max()
    }

    /// As far as it goes.
    pub fn end(&self) -> Option<Lsn> {
        self.stored.last().map(|stored| stored.end)
    }

    /// Only what is needed for this moment.
    #[must_use]
    pub fn until(mut self, at: OffsetDateTime) -> Self {
        if let Some(enough) = self.stored.iter().position(|stored| stored.at >= at) {
            self.stored.truncate(enough + 1);
            self.beyond = None;
        }
        self
    }
}

impl Archive {
    /// Whether a strand can be opened at all, by whoever has the recovery key.
    fn opens(&self, stored: &Stored) -> bool {
        self.strands.get(stored.strand()).is_some_and(|names| names.contains(STRAND_KEY))
    }

    /// What follows without a gap on this timeline, from this segment on.
    pub fn chain(&self, first: Segment) -> Chain {
        let mut best: BTreeMap<u64, &Stored> = BTreeMap::new();
        let usable = |stored: &&Stored| stored.segment.timeline == first.timeline && self.opens(stored);
        for stored in self.stored.iter().filter(usable).filter(|it| it.segment.number >= first.number) {
            // Whole before a part, and of the same the one that tells the later moment.
            let worth = |it: &Stored| (it.is_whole, it.end, it.at);
            let held = best.entry(stored.segment.number).or_insert(stored);
            if worth(stored) > worth(held) {
                *held = stored;
            }
        }
        let (mut chain, mut next) = (Chain::default(), first.number);
        for (number, stored) in best {
            let follows = number == next && chain.stored.last().is_none_or(|last| last.is_whole);
            if !follows {
                chain.beyond = Some(stored.segment);
                break;
            }
            chain.stored.push(stored.clone());
            next += 1;
        }
        chain
    }

    /// Parts of which there is more now.
    pub fn superseded(&self) -> Vec<Key> {
        let mut furthest: BTreeMap<Segment, (bool, Lsn)> = BTreeMap::new();
        for stored in self.stored.iter().filter(|stored| self.opens(stored)) {
            let held = furthest.entry(stored.segment).or_default();
            *held = (*held).max((stored.is_whole, stored.end));
        }
        let is_old = |it: &&Stored| {
            !it.is_whole && furthest.get(&it.segment).is_some_and(|best| *best > (false, it.end))
        };
        self.stored.iter().filter(is_old).map(|stored| stored.key.clone()).collect()
    }

    /// The newest strand: somebody may be at it.
    pub fn newest_strand(&self) -> Option<&str> {
        self.strands.keys().next_back().map(String::as_str)
    }
}

/// Asks the store.
pub async fn look(objects: &dyn Objects) -> Result<Lineages, ObjectError> {
    Ok(lineages(&objects.list(&key(WAL)?).await?))
}

/// The same of one server's.
pub async fn look_at(objects: &dyn Objects, lineage: Lineage) -> Result<Archive, ObjectError> {
    let mut found = lineages(&objects.list(&lineage.folder()?).await?);
    Ok(found.0.remove(&lineage).unwrap_or_default())
}

/// What is not called like one of ours is left alone.
fn lineages(listed: &[Listed]) -> Lineages {
    let mut lineages = Lineages::default();
    for Listed { key, .. } in listed {
        let mut parts = key.as_str().split('/').skip(2);
        let Some(Ok(lineage)) = parts.next().map(str::parse::<Lineage>) else { continue };
        let archive = lineages.0.entry(lineage).or_default();
        archive.keys.push(key.clone());
        let Some((folder, name)) = key.as_str().rsplit_once('/').filter(|_| parts.count() == 2) else {
            continue;
        };
        archive.strands.entry(folder.to_owned()).or_default().insert(name.to_owned());
        archive.stored.extend(Stored::parse(lineage, key));
    }
    lineages
}

/// What cannot be a key is a fault of ours.
pub(in crate::record) fn key(text: &str) -> Result<Key, ObjectError> {
    text.parse().map_err(|error: objects::KeyError| ObjectError::Foreign(error.to_string()))
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
