//! Which base backups there are, when another is made, and what is kept: so many of them, and what WAL goes on from the oldest.

use common::{clock, service::Round};
use objects::{Key, ObjectError, Objects};
use time::{Duration, OffsetDateTime};

use super::{
    Source,
    archive::{self, Archive, Lineage, key},
    base::{self, BASES, BaseManifest},
    position::Position,
    source,
};
use crate::{
    keeping,
    record::{
        Record, RecordError,
        sets::{self, Set, Sets},
    },
};

/// From one to the next.
const EVERY: Duration = Duration::days(1);

/// Which server's it is.
pub fn lineage(folder: &Key) -> Option<Lineage> {
    folder.as_str().split('/').nth(2)?.parse().ok()
}

/// Asks the store. Of all servers, the newest first.
pub async fn look(objects: &dyn Objects) -> Result<Sets, ObjectError> {
    let mut found = sets::sets(&objects.list(&key(BASES)?).await?);
    found.whole.retain(|set| lineage(&set.folder).is_some());
    found.whole.sort_by_key(|set| std::cmp::Reverse(set.taken_at));
    Ok(found)
}

/// Makes them when they are due, and removes what is not needed any more.
pub struct Bases {
    record: Record,
    source: Source,
    keep: usize,
}

impl Bases {
    /// So many are kept, at least one.
    pub fn new(record: Record, source: Source, keep: usize) -> Self {
        Self { record, source, keep: keep.max(1) }
    }

    /// What is in the way of going on from the newest base backup, if anything is.
    async fn due(&self, lineage: Lineage) -> Result<Option<&'static str>, RecordError> {
        let objects = self.record.objects.as_ref();
        // WAL comes first: without it a base backup is of one moment.
        let Some(position) = Position::read(objects, lineage).await? else { return Ok(None) };
        let bases = look(objects).await?;
        let Some(newest) = newest_of(&bases, lineage) else {
            return Ok(Some("there is none of this server"));
        };
        if clock::now() - newest.taken_at >= EVERY {
            return Ok(Some("the newest is a day old"));
        }
        let Ok((manifest, _)) = BaseManifest::read(objects, &newest.folder).await else {
            return Ok(Some("the newest does not read"));
        };
        let chain = archive::look_at(objects, lineage)
            .await?
            .chain(lineage.segment_bytes.of(manifest.start, manifest.timeline));
        let reaches = chain.end().unwrap_or(manifest.start) >= position.lsn;
        Ok((chain.beyond.is_some() || !reaches).then_some("WAL is missing since the newest"))
    }
}

impl Round for Bases {
    type Error = RecordError;

    async fn run(&mut self) -> Result<(), RecordError> {
        let objects = self.record.objects.as_ref();
        let mut connection = self.source.connect().await?;
        let (lineage, _) = source::lineage(&mut connection).await?;
        drop(connection);
        let Some(mut turn) = super::turn(&self.record.server, "base backups of the record").await? else {
            return Ok(());
        };
        if let Some(why) = self.due(lineage).await? {
            remove_unfinished(objects).await?;
            tracing::info!(why, "a base backup of the record's server is made");
            let folder = base::make(&self.record, &self.source, &mut turn).await?;
            tracing::info!(%folder, "a base backup of the record's server was made, and read back");
        }
        keep(objects, lineage, self.keep).await
    }
}

fn newest_of(bases: &Sets, of: Lineage) -> Option<&Set> {
    bases.whole.iter().find(|set| lineage(&set.folder) == Some(of))
}

/// What nobody finished. Only one is made at a time, so whoever makes it may.
async fn remove_unfinished(objects: &dyn Objects) -> Result<(), RecordError> {
    for folder in look(objects).await?.unfinished {
        keeping::remove(objects, &folder).await?;
        tracing::warn!(%folder, "a base backup that nobody finished was removed");
    }
    for upload in objects.unfinished(&key(BASES)?).await? {
        objects.abandon(&upload).await?;
    }
    Ok(())
}

/// Removes base backups of which there are enough newer ones, and WAL that none which stays needs.
async fn keep(objects: &dyn Objects, current: Lineage, keep: usize) -> Result<(), RecordError> {
    let bases = look(objects).await?;
    for set in bases.whole.iter().skip(keep) {
        keeping::remove(objects, &set.folder).await?;
        tracing::info!(folder = %set.folder, "a base backup was kept for as long as it is kept");
    }
    let kept: Vec<_> = bases.whole.into_iter().take(keep).collect();
    let long_ago = clock::now() - EVERY;
    for (lineage, archive) in archive::look(objects).await?.0 {
        let mut firsts = Vec::new();
        for set in kept.iter().filter(|set| self::lineage(&set.folder) == Some(lineage)) {
            // Of one that does not read it is not known what it needs: everything.
            let Ok((manifest, _)) = BaseManifest::read(objects, &set.folder).await else {
                firsts.push(0);
                continue;
            };
            firsts.push(lineage.segment_bytes.of(manifest.start, manifest.timeline).number);
        }
        let first = firsts.into_iter().min();
        let goes = superfluous(&archive, first, lineage == current, long_ago);
        if !goes.is_empty() {
            tracing::info!(objects = goes.len(), server = %lineage, "WAL that no base backup needs was removed");
            objects.remove(&goes).await?;
        }
        let Ok(all) = lineage.folder() else { continue };
        for upload in objects.unfinished(&all).await? {
            if upload.begun_at < long_ago {
                objects.abandon(&upload).await?;
            }
        }
    }
    Ok(())
}

/// What goes of a server's WAL. `first`: the first segment that a base backup needs. Pure.
fn superfluous(
    archive: &Archive,
    first: Option<u64>,
    is_current: bool,
    long_ago: OffsetDateTime,
) -> Vec<Key> {
    let Some(first) = first else {
        // Of a server that is no more, and of which no base backup is kept, nothing can be used.
        return if is_current { archive.superseded() } else { archive.keys.clone() };
    };
    let old =
        archive.stored.iter().filter(|stored| stored.segment.number < first).map(|stored| stored.key.clone());
    let mut goes: Vec<_> = old.chain(archive.superseded()).collect();
    goes.sort();
    goes.dedup();
    // A strand of which nothing stays, unless somebody may be at it.
    for folder in archive.strands.keys().filter(|folder| Some(folder.as_str()) != archive.newest_strand()) {
        let stays = archive
            .stored
            .iter()
            .any(|stored| stored.strand() == folder && goes.binary_search(&stored.key).is_err());
        let is_old = folder.rsplit('/').next().and_then(sets::taken_at).is_some_and(|at| at < long_ago);
        if !stays && is_old {
            let below = format!("{folder}/");
            goes.extend(archive.keys.iter().filter(|key| key.as_str().starts_with(&below)).cloned());
            goes.sort();
            goes.dedup();
        }
    }
    goes
}

#[cfg(test)]
#[path = "bases_tests.rs"]
mod tests;
