//! A copy of the record is read back, to its last byte.

use n8n::copies::{Contents, CopyError, ProgramError, Programs};
use objects::{
    Key, Objects, Stream,
    manifest::{MANIFEST, ManifestError, Object},
    seal::{SealKey, open, open_text},
};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use super::{
    KeyTexts, RecordManifest,
    manifest::{Part, SUM},
};
use crate::{
    Damage,
    check::at,
    reading::{self, Reading, sealed_text},
};

/// A set that is what was written.
#[derive(Debug)]
pub struct Opened {
    pub folder: Key,
    pub manifest: RecordManifest,
    pub keys: KeyTexts,
    key: SealKey,
}

/// Reads all of a set with the recovery key. Nothing of it is kept but what is returned.
pub async fn open_set(
    objects: &dyn Objects,
    folder: &Key,
    recovery: &SealKey,
    readers: &Programs,
) -> Result<Opened, Damage> {
    let text = reading::manifest(objects, &at(folder, MANIFEST)?).await?;
    let manifest = RecordManifest::read(&text).map_err(Damage::Manifest)?;
    if manifest.set != folder.name() {
        return Err(Damage::of(MANIFEST, "is that of another set"));
    }
    let sealed =
        sealed_text(objects, &at(folder, Part::SetKey.name())?, has(&manifest, Part::SetKey)?).await?;
    let key = open_text(&sealed, recovery).map_err(Damage::Sealed)?;
    let key = SealKey::read(&key).map_err(Damage::Sealed)?;
    let sum = reading::manifest(objects, &at(folder, SUM)?).await?;
    let sum = open_text(&sum, &key).map_err(Damage::Sealed)?;
    if *sum.expose_secret() != hex::encode(Sha256::digest(&text)) {
        return Err(Damage::Manifest(ManifestError::Other));
    }
    let keys = read_back(objects, folder, &manifest, &key, readers).await?;
    Ok(Opened { folder: folder.clone(), manifest, keys, key })
}

impl Opened {
    /// The opened dump, from its beginning.
    pub async fn dump(&self, objects: &dyn Objects) -> Result<Stream, Damage> {
        let stored = objects.get(&at(&self.folder, Part::Database.name())?).await?;
        Ok(open(stored, self.key.clone()).0)
    }
}

/// Reads every object that the set's key opens.
pub async fn read_back(
    objects: &dyn Objects,
    folder: &Key,
    manifest: &RecordManifest,
    key: &SealKey,
    readers: &Programs,
) -> Result<KeyTexts, Damage> {
    let stored = has(manifest, Part::SetKey)?;
    drop(sealed_text(objects, &at(folder, &stored.name)?, stored).await?);
    let stored = has(manifest, Part::Keys)?;
    let sealed = sealed_text(objects, &at(folder, &stored.name)?, stored).await?;
    let text = open_text(&sealed, key).map_err(Damage::Sealed)?;
    let keys = KeyTexts::parse(&text).map_err(|_| Damage::of(&stored.name, "does not read as keys"))?;
    let stored = has(manifest, Part::Database)?;
    let contents = contents(objects, &at(folder, &stored.name)?, stored, (key, readers)).await?;
    let there = contents.tables();
    match manifest.rows.keys().find(|table| !there.contains(table.as_str())) {
        Some(table) => Err(Damage::of(&stored.name, format!("lacks the table {table}"))),
        None if manifest.rows.is_empty() => Err(Damage::of(MANIFEST, "has a dump of no table")),
        None => Ok(keys),
    }
}

fn has(manifest: &RecordManifest, part: Part) -> Result<&Object<Part>, Damage> {
    let object = manifest.object(part).filter(|object| object.name == part.name());
    object.ok_or_else(|| Damage::of(MANIFEST, format!("does not name {}", part.name())))
}

async fn contents(
    objects: &dyn Objects,
    key: &Key,
    object: &Object<Part>,
    (opens, readers): (&SealKey, &Programs),
) -> Result<Contents, Damage> {
    let mut reading = Reading::of(objects, key, opens).await?;
    let mut program = readers.program("pg_restore", None).map_err(|error| Damage::Dump(error.into()))?;
    program.command.arg("--list");
    let listed = program.feed(reading.take()).await;
    let listed = match listed {
        // Whether it is damaged, or the store is away, what was read of it says.
        Err(CopyError::Source(source)) => return Err(reading.broken(object, &source)),
        listed => listed,
    };
    reading.is(object)?;
    match listed {
        Ok(list) => Ok(Contents::new(list)),
        Err(CopyError::Program(why @ ProgramError::Failed { .. })) => {
            Err(Damage::of(&object.name, format!("is no dump: {why}")))
        }
        Err(error) => Err(Damage::Dump(error)),
    }
}
