//! Reading a set back: every object, from the store, to its last byte, before anybody relies on it.

use std::collections::BTreeSet;

use bytes::Bytes;
use common::id::{BackupId, TenantId};
use n8n::copies::{Contents, Copies, CopyError, ProgramError};
use objects::{
    Key, Objects, Stream, counted,
    manifest::{Content, MANIFEST, Manifest, Object},
    seal::{SealKey, open, open_text},
};
use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;

use crate::Damage;

/// More than any manifest has, little enough to be read whole.
const LONGEST_MANIFEST: u64 = 16 << 20;
/// A key, sealed, has some hundred bytes.
const LONGEST_KEY: u64 = 64 << 10;

/// Which set, and what is known of it from elsewhere.
pub struct Expected<'a> {
    pub tenant: TenantId,
    pub backup: BackupId,
    pub folder: &'a Key,
    /// Of the manifest, as it was written.
    pub manifest_sha256: &'a str,
    /// What opens it.
    pub key: &'a SealKey,
}

/// A set that is what was written.
pub struct Checked {
    pub manifest: Manifest,
    /// What its dump has in it, if it has one.
    pub contents: Option<Contents>,
    /// n8n's own key, as it was.
    pub encryption_key: SecretString,
}

/// Reads all of a set. Nothing of it is kept but what is returned.
pub async fn check(
    objects: &dyn Objects,
    copies: &dyn Copies,
    expected: &Expected<'_>,
) -> Result<Checked, Damage> {
    let text = whole(objects, &at(expected.folder, MANIFEST)?, LONGEST_MANIFEST).await?;
    let manifest = Manifest::read(&text, Some(expected.manifest_sha256)).map_err(Damage::Manifest)?;
    is_of(&manifest, expected)?;
    let (mut contents, mut encryption_key) = (None, None);
    for object in &manifest.objects {
        let key = at(expected.folder, &object.name)?;
        match object.what {
            Content::TenantKey => drop(sealed_text(objects, &key, object).await?),
            Content::EncryptionKey => {
                let sealed = sealed_text(objects, &key, object).await?;
                encryption_key = Some(open_text(&sealed, expected.key).map_err(Damage::Sealed)?);
            }
            Content::Database => contents = Some(dump(objects, copies, &key, object, expected).await?),
            Content::Workflows | Content::Credentials => {
                let reading = Reading::of(objects, &key, expected.key).await?;
                reading.end(object).await?;
            }
        }
    }
    if let Some(contents) = &contents {
        has_all_tables(contents, &manifest)?;
    }
    let encryption_key = encryption_key.ok_or_else(|| Damage::of(MANIFEST, "names no encryption key"))?;
    Ok(Checked { manifest, contents, encryption_key })
}

fn at(folder: &Key, name: &str) -> Result<Key, Damage> {
    folder.child(name).map_err(|error| Damage::of(name, error.to_string()))
}

fn is_of(manifest: &Manifest, expected: &Expected<'_>) -> Result<(), Damage> {
    if manifest.tenant != expected.tenant.to_string() || manifest.backup != expected.backup.to_string() {
        return Err(Damage::of(MANIFEST, "is that of another backup"));
    }
    Ok(())
}

/// The opened dump of a set, from its beginning.
pub async fn dump_of(objects: &dyn Objects, folder: &Key, key: &SealKey) -> Result<Stream, Damage> {
    let stored = objects.get(&at(folder, Content::Database.name())?).await?;
    Ok(open(stored, key.clone()).0)
}

async fn dump(
    objects: &dyn Objects,
    copies: &dyn Copies,
    key: &Key,
    object: &Object,
    expected: &Expected<'_>,
) -> Result<Contents, Damage> {
    let mut reading = Reading::of(objects, key, expected.key).await?;
    let looked = copies.contents(reading.take()).await;
    let looked = match looked {
        // Whether it is damaged, or the store is away, what was read of it says.
        Err(CopyError::Source(source)) => return Err(reading.broken(object, &source)),
        looked => looked,
    };
    reading.is(object)?;
    looked.map_err(|error| match error {
        CopyError::Program(why @ ProgramError::Failed { .. }) => {
            Damage::of(&object.name, format!("is no dump: {why}"))
        }
        // One that could not even be started says nothing of the dump.
        error @ (CopyError::Program(_)
        | CopyError::Database(_)
        | CopyError::NotWhole(_)
        | CopyError::Source(_)) => Damage::Dump(error),
    })
}

/// An empty dump, and one of another database, are dumps too.
fn has_all_tables(contents: &Contents, manifest: &Manifest) -> Result<(), Damage> {
    let there = contents.tables();
    let missing: BTreeSet<_> = manifest.rows.keys().filter(|table| !there.contains(table.as_str())).collect();
    match missing.first() {
        None if manifest.rows.is_empty() => Err(Damage::of(MANIFEST, "has a dump of no table")),
        None => Ok(()),
        Some(table) => {
            let why = format!("lacks {} tables, {table} among them", missing.len());
            Err(Damage::of(Content::Database.name(), why))
        }
    }
}

/// An object that is opened as it comes.
struct Reading {
    stream: Option<Stream>,
    stored: objects::Counted,
    plain: objects::Counted,
}

impl Reading {
    async fn of(objects: &dyn Objects, key: &Key, opens: &SealKey) -> Result<Self, Damage> {
        let (stored, stored_counted) = counted(objects.get(key).await?);
        let (plain, plain_counted) = counted(open(stored, opens.clone()).0);
        Ok(Self { stream: Some(plain), stored: stored_counted, plain: plain_counted })
    }

    fn take(&mut self) -> Stream {
        self.stream.take().unwrap_or_else(|| Box::pin(tokio::io::empty()))
    }

    async fn end(mut self, object: &Object) -> Result<(), Damage> {
        let read = tokio::io::copy(&mut self.take(), &mut tokio::io::sink()).await;
        read.map_err(|source| self.broken(object, &source))?;
        self.is(object)
    }

    fn broken(&self, object: &Object, source: &std::io::Error) -> Damage {
        if self.stored.failed() {
            Damage::BrokenOff(source.to_string())
        } else {
            Damage::of(&object.name, format!("does not open: {source}"))
        }
    }

    /// Whether what was read is what was written.
    fn is(&self, object: &Object) -> Result<(), Damage> {
        let (stored, plain) = (self.stored.passed(), self.plain.passed());
        if (stored.bytes, &stored.sha256) != (object.bytes, &object.sha256) {
            return Err(Damage::of(&object.name, "is not what was stored"));
        }
        if (Some(plain.bytes), Some(&plain.sha256)) != (object.plain_bytes, object.plain_sha256.as_ref()) {
            return Err(Damage::of(&object.name, "does not hold what was copied"));
        }
        Ok(())
    }
}

async fn sealed_text(objects: &dyn Objects, key: &Key, object: &Object) -> Result<Bytes, Damage> {
    let (stored, counted) = counted(objects.get(key).await?);
    let text = read(stored, key, LONGEST_KEY).await?;
    let passed = counted.passed();
    if (passed.bytes, &passed.sha256) != (object.bytes, &object.sha256) {
        return Err(Damage::of(&object.name, "is not what was stored"));
    }
    Ok(text)
}

async fn whole(objects: &dyn Objects, key: &Key, longest: u64) -> Result<Bytes, Damage> {
    read(objects.get(key).await?, key, longest).await
}

async fn read(stream: Stream, key: &Key, longest: u64) -> Result<Bytes, Damage> {
    let mut text = Vec::new();
    let read = stream.take(longest).read_to_end(&mut text).await;
    read.map(|_| text.into()).map_err(|error| Damage::BrokenOff(format!("{key}: {error}")))
}
