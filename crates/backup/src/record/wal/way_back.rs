//! A way back to a moment: a base backup, and what WAL goes on from it. All of it is read before anything relies on it.

use std::{collections::BTreeMap, path::Path};

use objects::{
    Key, Objects, Stream,
    seal::{SealKey, open, open_text},
};
use time::OffsetDateTime;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncWriteExt as _},
};

use super::{
    archive::{self, Chain, Lineage, STRAND_KEY, STRAND_KEYS, Stored},
    base::{self, Base, BaseManifest, BasePart},
    bases,
    lsn::Segment,
};
use crate::{
    Damage,
    check::at,
    reading,
    record::{KeyTexts, RecordError},
};

/// What a page of WAL begins with, at the beginning of a segment.
const HEADER: usize = 40;
/// Handed on at once.
const CHUNK: usize = 256 << 10;

/// One that may be gone: nothing of it was read yet but what is in clear.
#[derive(Debug, Clone)]
pub struct WayBack {
    pub folder: Key,
    pub manifest: BaseManifest,
    pub lineage: Lineage,
    pub chain: Chain,
}

/// One of which every byte was read.
#[derive(Debug)]
pub struct Checked {
    pub base: Base,
    pub chain: Chain,
    /// Those that open what the record has at its moment.
    pub keys: KeyTexts,
    lineage: Lineage,
    strands: BTreeMap<String, SealKey>,
}

impl WayBack {
    /// The one that goes furthest, but not beyond this moment; or the one from the base backup of this name.
    pub async fn find(
        objects: &dyn Objects,
        set: Option<&str>,
        until: Option<OffsetDateTime>,
    ) -> Result<Option<Self>, RecordError> {
        for found in bases::look(objects).await?.whole {
            if set.is_some_and(|set| found.folder.name() != set)
                || until.is_some_and(|until| found.taken_at > until)
            {
                continue;
            }
            let (manifest, _) = BaseManifest::read(objects, &found.folder).await?;
            // Its name tells when it was begun.
            if until.is_some_and(|until| manifest.taken_at > until) {
                continue;
            }
            let lineage = manifest.lineage().ok_or(RecordError::Foreign)?;
            let first = lineage.segment_bytes.of(manifest.start, manifest.timeline);
            let mut chain = archive::look_at(objects, lineage).await?.chain(first);
            if let Some(until) = until {
                // Of its own moment it is without WAL.
                chain = if until == manifest.taken_at { Chain::default() } else { chain.until(until) };
            }
            return Ok(Some(Self { folder: found.folder, manifest, lineage, chain }));
        }
        Ok(None)
    }

    /// All that happened until then can be had by it.
    pub fn reach(&self) -> OffsetDateTime {
        self.chain.reach().unwrap_or(self.manifest.taken_at).max(self.manifest.taken_at)
    }

    /// Reads all of it with the recovery key.
    pub async fn check(self, objects: &dyn Objects, recovery: &SealKey) -> Result<Checked, RecordError> {
        let base = base::open(objects, &self.folder, recovery).await?;
        let (mut strands, mut keys) = (BTreeMap::new(), None);
        let mut whole: Option<&Stored> = None;
        for stored in &self.chain.stored {
            let read = async {
                if !strands.contains_key(stored.strand()) {
                    let (key, texts) = strand(objects, stored.strand(), recovery).await?;
                    strands.insert(stored.strand().to_owned(), key);
                    keys = Some(texts);
                }
                let Some(key) = strands.get(stored.strand()) else { return Ok(()) };
                copy(objects, (self.lineage, stored), key, None).await
            };
            match read.await {
                Ok(()) => whole = Some(stored),
                Err(RecordError::Damage(damage)) if damage.lasts() => {
                    return Err(RecordError::Wal {
                        segment: self.lineage.segment_bytes.name(stored.segment),
                        until: whole
                            .map_or(self.manifest.taken_at, |whole| whole.at)
                            .max(self.manifest.taken_at),
                        damage,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        // Those of the last strand: a key that is older opens nothing that is newer.
        let keys = keys.unwrap_or_else(|| base.keys.clone());
        Ok(Checked { base, chain: self.chain, keys, lineage: self.lineage, strands })
    }
}

impl Checked {
    /// All that happened until then can be had by it.
    pub fn reach(&self) -> OffsetDateTime {
        let taken_at = self.base.manifest.taken_at;
        self.chain.reach().unwrap_or(taken_at).max(taken_at)
    }

    /// The files of the server, as a stream of `tar`.
    pub async fn server(&self, objects: &dyn Objects) -> Result<Stream, Damage> {
        let stored = objects.get(&at(&self.base.folder, BasePart::Server.name())?).await?;
        Ok(open(stored, self.base.key.clone()).0)
    }

    /// Writes what WAL goes on from it into this folder, as Postgres calls it.
    pub async fn write_wal(&self, objects: &dyn Objects, folder: &Path) -> Result<(), RecordError> {
        for stored in &self.chain.stored {
            let Some(key) = self.strands.get(stored.strand()) else { continue };
            let file = folder.join(self.lineage.segment_bytes.name(stored.segment));
            let file = File::create(file).await.map_err(RecordError::Room)?;
            copy(objects, (self.lineage, stored), key, Some(file)).await?;
        }
        Ok(())
    }

    /// The segment that it goes to, if WAL goes on from it at all.
    pub fn last(&self) -> Option<Segment> {
        self.chain.stored.last().map(|stored| stored.segment)
    }

    /// Where this one begins.
    pub fn start(&self, number: u64) -> super::Lsn {
        super::Lsn(number * self.lineage.segment_bytes.0)
    }
}

/// What opens a strand's objects, and the master keys of its time.
async fn strand(
    objects: &dyn Objects,
    folder: &str,
    recovery: &SealKey,
) -> Result<(SealKey, KeyTexts), RecordError> {
    let folder = archive::key(folder)?;
    let read = async |name: &str, key: &SealKey| -> Result<_, Damage> {
        let sealed = reading::manifest(objects, &at(&folder, name)?).await?;
        open_text(&sealed, key).map_err(|why| Damage::of(name, format!("does not open: {why}")))
    };
    let key = SealKey::read(&read(STRAND_KEY, recovery).await?).map_err(Damage::Sealed)?;
    let texts = KeyTexts::parse(&read(STRAND_KEYS, &key).await?);
    Ok((key, texts.map_err(|_| Damage::of(STRAND_KEYS, "does not read as keys"))?))
}

/// Reads a segment to its end, and writes it where it is to go. It is that segment of that server, as long as one is.
async fn copy(
    objects: &dyn Objects,
    (lineage, stored): (Lineage, &Stored),
    key: &SealKey,
    mut to: Option<File>,
) -> Result<(), RecordError> {
    let name = stored.key.name();
    let (source, counted) = objects::counted(objects.get(&stored.key).await.map_err(Damage::from)?);
    let mut plain = open(source, key.clone()).0;
    let (mut head, mut bytes, mut chunk) = (Vec::new(), 0_u64, vec![0; CHUNK]);
    loop {
        let read = plain.read(&mut chunk).await;
        let read = read.map_err(|why| match counted.failed() {
            true => Damage::BrokenOff(why.to_string()),
            false => Damage::of(name, format!("does not open: {why}")),
        })?;
        let (part, _) = chunk.split_at(read);
        if part.is_empty() {
            break;
        }
        if head.len() < HEADER {
            head.extend(part.iter().take(HEADER - head.len()));
        }
        bytes += read as u64;
        if let Some(file) = &mut to {
            file.write_all(part).await.map_err(RecordError::Room)?;
        }
    }
    if let Some(file) = &mut to {
        file.flush().await.map_err(RecordError::Room)?;
    }
    if bytes != lineage.segment_bytes.0 {
        return Err(Damage::of(
            name,
            format!("has {bytes} bytes, and a segment {}", lineage.segment_bytes.0),
        )
        .into());
    }
    is_of(&head, lineage, stored)
        .ok_or_else(|| Damage::of(name, "is another segment, or another server's").into())
}

/// Whether this is how the segment begins: a page of its own position, of its server.
fn is_of(head: &[u8], lineage: Lineage, stored: &Stored) -> Option<()> {
    let number = |at: usize| Some(u64::from_ne_bytes(head.get(at..at + 8)?.try_into().ok()?));
    let start = lineage.segment_bytes.start(stored.segment);
    (number(8)? == start.0 && number(24)? == lineage.system).then_some(())
}
