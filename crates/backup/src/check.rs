//! Reading a set back: every object, from the store, to its last byte, before anybody relies on it.

use std::collections::{BTreeMap, BTreeSet};

use common::id::{BackupId, TenantId};
use n8n::copies::{Contents, Copies, CopyError, ProgramError, script};
use objects::{
    Key, Objects, Stream,
    manifest::{Content, MANIFEST, Manifest, Object},
    seal::{SealKey, open, open_text},
};
use secrecy::SecretString;

use crate::{
    Damage,
    reading::{self, Reading, sealed_text},
};

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
    let text = reading::manifest(objects, &at(expected.folder, MANIFEST)?).await?;
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
            Content::Member => {
                has_all_rows(&rows_of(objects, &key, object, expected).await?, &manifest)?;
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

/// What is called so in a set.
pub fn at(folder: &Key, name: &str) -> Result<Key, Damage> {
    folder.child(name).map_err(|error| Damage::of(name, error.to_string()))
}

fn is_of(manifest: &Manifest, expected: &Expected<'_>) -> Result<(), Damage> {
    if manifest.tenant != expected.tenant.to_string() || manifest.backup != expected.backup.to_string() {
        return Err(Damage::of(MANIFEST, "is that of another backup"));
    }
    Ok(())
}

/// This object of a set, opened, from its beginning.
pub async fn opened(
    objects: &dyn Objects,
    folder: &Key,
    what: Content,
    key: &SealKey,
) -> Result<Stream, Damage> {
    let stored = objects.get(&at(folder, what.name())?).await?;
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
        | CopyError::NoMember(_)
        | CopyError::NotWhole(_)
        | CopyError::Source(_)) => Damage::Dump(error),
    })
}

/// Rows of each table that a member's script has.
async fn rows_of(
    objects: &dyn Objects,
    key: &Key,
    object: &Object,
    expected: &Expected<'_>,
) -> Result<BTreeMap<String, u64>, Damage> {
    let mut reading = Reading::of(objects, key, expected.key).await?;
    match script::rows(reading.take()).await {
        Err(CopyError::Source(source)) => Err(reading.broken(object, &source)),
        // It was not read to its end, so it is not known whether it is what was stored: that it is none is enough.
        Err(error) => Err(Damage::of(&object.name, format!("is no script: {error}"))),
        Ok(rows) => reading.is(object).map(|()| rows),
    }
}

/// As many of each table as there were, and no other table.
fn has_all_rows(found: &BTreeMap<String, u64>, manifest: &Manifest) -> Result<(), Damage> {
    if manifest.rows.is_empty() {
        return Err(Damage::of(MANIFEST, "has a script of no table"));
    }
    let differs = |table: &&String| found.get(*table) != manifest.rows.get(*table);
    match manifest.rows.keys().chain(found.keys()).find(differs) {
        None => Ok(()),
        Some(table) => {
            let [now, then] =
                [found, &manifest.rows].map(|rows| rows.get(table).copied().unwrap_or_default());
            let why = format!("has {now} rows in {table}, and {then} when it was made");
            Err(Damage::of(Content::Member.name(), why))
        }
    }
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
