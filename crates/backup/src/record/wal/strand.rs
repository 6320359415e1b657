//! A strand: what one process stores under one key. The key is sealed for the recovery key before anything is sealed for it, and is known here, to
//! read back what was stored, for no longer than a day; then another one begins, and when the master keys are others.

use std::{
    io::{Cursor, ErrorKind},
    path::Path,
};

use objects::{
    Key, Objects,
    manifest::Object,
    seal::{SealKey, seal, seal_text},
};
use secrecy::{ExposeSecret as _, SecretString};
use time::{Duration, OffsetDateTime};
use tokio::fs::File;

use super::archive::{Lineage, STRAND_KEY, STRAND_KEYS};
use crate::{
    check::at,
    reading::{Reading, sealed_text},
    record::{Record, RecordError, sets},
};

/// Whoever learns its key from our memory opens no more than this.
const LONGEST: Duration = Duration::days(1);

pub struct Strand {
    folder: Key,
    key: SealKey,
    /// As they were sealed.
    keys: SecretString,
    begun_at: OffsetDateTime,
    /// The part that the next one replaces.
    part: Option<Key>,
}

impl Strand {
    /// A new one, with its keys.
    pub async fn begin(record: &Record, lineage: Lineage, now: OffsetDateTime) -> Result<Self, RecordError> {
        let folder = lineage.folder()?.child(&sets::name(now)).map_err(|_| RecordError::Address)?;
        let (key, keys) = (SealKey::generate(), record.keys.get().write()?);
        let objects = record.objects.as_ref();
        for (name, sealed) in [
            (STRAND_KEY, seal_text(&key.text(), &record.recovery)?),
            (STRAND_KEYS, seal_text(&keys, &key.recipient())?),
        ] {
            let place = at(&folder, name)?;
            let stored = objects.put(&place, Box::pin(Cursor::new(sealed))).await?;
            drop(sealed_text(objects, &place, &Object::named(name, (), stored, None)).await?);
        }
        Ok(Self { folder, key, keys, begun_at: now, part: None })
    }

    /// Whether another one is to begin.
    pub fn is_over(&self, record: &Record, now: OffsetDateTime) -> Result<bool, RecordError> {
        let keys = record.keys.get().write()?;
        Ok(now - self.begun_at > LONGEST || keys.expose_secret() != self.keys.expose_secret())
    }

    /// Stores this file, and reads back what was stored. A part that has become a whole one meanwhile is not there any more, and is not stored.
    pub async fn put(
        &mut self,
        objects: &dyn Objects,
        file: &Path,
        name: &str,
        is_part: bool,
    ) -> Result<bool, RecordError> {
        let place = at(&self.folder, name)?;
        let source = match File::open(file).await {
            Err(error) if is_part && error.kind() == ErrorKind::NotFound => return Ok(false),
            source => source.map_err(RecordError::Room)?,
        };
        let (sealed, plain) = seal(Box::pin(source), self.key.recipient());
        let stored = objects.put(&place, sealed).await?;
        let object = Object::named(name, (), stored, plain.get().cloned());
        Reading::of(objects, &place, &self.key).await?.end(&object).await?;
        // There is more of it now.
        let former = std::mem::replace(&mut self.part, is_part.then(|| place.clone()));
        if let Some(former) = former.filter(|former| *former != place) {
            objects.remove(&[former]).await?;
        }
        Ok(true)
    }
}
