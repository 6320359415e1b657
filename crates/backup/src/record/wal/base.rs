//! A base backup: all of the server as it was, with what WAL it takes to make that whole, as one stream of `tar` into the store. WAL goes on from it.

use std::io::Cursor;

use common::{clock, error::chain};
use objects::{
    Key, ObjectError, Objects, Stream,
    manifest::{MANIFEST, ManifestError, Object, Postgres},
    seal::{Recipient, SealKey, open_text, seal, seal_text},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::io::AsyncReadExt as _;

use super::{Lineage, Lsn, SegmentBytes, Source, archive, source};
use crate::{
    Damage,
    check::at,
    keeping,
    reading::{self, Reading, sealed_text},
    record::{KeyTexts, Record, RecordError, manifest::SUM, sets},
};

/// The form that this release writes, and the only one it reads.
const FORMAT: u32 = 1;
/// A header of tar's, and behind it what says where WAL begins.
const HEADER: u64 = 512;
const LABEL: &str = "backup_label";
/// It has some 250.
const LONGEST_LABEL: u64 = 2 << 10;

/// Below what all base backups are, in a folder for each server.
pub const BASES: &str = "record/bases";

/// The folder of this name.
fn folder(lineage: Lineage, set: &str) -> Result<Key, ObjectError> {
    archive::key(&format!("{BASES}/{lineage}/{set}"))
}

/// What an object of a base backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BasePart {
    /// What opens the others, sealed for the recovery key.
    SetKey,
    /// The master keys.
    Keys,
    /// All files of the server, as `pg_basebackup` gives them, its own manifest among them.
    Server,
}

impl BasePart {
    /// What its object is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetKey => "set-key.age",
            Self::Keys => "keys.json.age",
            Self::Server => "server.tar.zst.age",
        }
    }
}

/// A whole one: `manifest.json`, in clear, and written last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseManifest {
    pub format: u32,
    /// The name of its folder.
    pub set: String,
    /// Which record is on the server.
    pub record: String,
    /// What the server was given when it was made, and how long its segments are.
    pub system: String,
    pub segment_bytes: SegmentBytes,
    pub timeline: u32,
    /// From here on WAL is needed.
    pub start: Lsn,
    /// When it was complete, to the next second: it comes back as of this moment, or of a later one with WAL.
    #[serde(with = "time::serde::rfc3339")]
    pub taken_at: OffsetDateTime,
    /// The newest migration that was applied.
    pub schema: i64,
    pub postgres: Postgres,
    /// The record's database, and whose it is.
    pub database: String,
    pub owner: String,
    pub recovery_recipient: String,
    pub set_recipient: String,
    pub objects: Vec<Object<BasePart>>,
}

impl BaseManifest {
    /// Whose WAL goes on from it.
    pub fn lineage(&self) -> Option<Lineage> {
        let segment_bytes = SegmentBytes::new(self.segment_bytes.0)?;
        Some(Lineage { system: self.system.parse().ok()?, segment_bytes })
    }

    /// Reads that of this folder, which is in clear.
    pub async fn read(objects: &dyn Objects, folder: &Key) -> Result<(Self, Vec<u8>), Damage> {
        let text = reading::manifest(objects, &at(folder, MANIFEST)?).await?;
        let form: Form =
            serde_json::from_slice(&text).map_err(|why| Damage::Manifest(ManifestError::Unreadable(why)))?;
        if form.format != FORMAT {
            return Err(Damage::Manifest(ManifestError::Format(form.format)));
        }
        let read: Self =
            serde_json::from_slice(&text).map_err(|why| Damage::Manifest(ManifestError::Unreadable(why)))?;
        if read.set != folder.name() {
            return Err(Damage::of(MANIFEST, "is that of another set"));
        }
        if read.lineage().is_none_or(|lineage| self::folder(lineage, &read.set).ok().as_ref() != Some(folder))
        {
            return Err(Damage::of(MANIFEST, "is that of another server"));
        }
        Ok((read, text.to_vec()))
    }

    /// The object that holds this.
    pub fn object(&self, part: BasePart) -> Result<&Object<BasePart>, Damage> {
        let found = self.objects.iter().find(|object| object.what == part && object.name == part.name());
        found.ok_or_else(|| Damage::of(MANIFEST, format!("does not name {}", part.name())))
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// One that is what was written.
#[derive(Debug)]
pub struct Base {
    pub folder: Key,
    pub manifest: BaseManifest,
    pub keys: KeyTexts,
    pub key: SealKey,
}

/// Reads all of a base backup with the recovery key.
pub async fn open(objects: &dyn Objects, folder: &Key, recovery: &SealKey) -> Result<Base, Damage> {
    let (manifest, text) = BaseManifest::read(objects, folder).await?;
    let object = manifest.object(BasePart::SetKey)?;
    let sealed = sealed_text(objects, &at(folder, &object.name)?, object).await?;
    let key =
        SealKey::read(&open_text(&sealed, recovery).map_err(Damage::Sealed)?).map_err(Damage::Sealed)?;
    let sum = reading::manifest(objects, &at(folder, SUM)?).await?;
    let sum = open_text(&sum, &key).map_err(Damage::Sealed)?;
    if *sum.expose_secret() != hex::encode(Sha256::digest(&text)) {
        return Err(Damage::Manifest(ManifestError::Other));
    }
    let (keys, _) = read_back(objects, folder, &manifest.objects, &key).await?;
    Ok(Base { folder: folder.clone(), manifest, keys, key })
}

/// Reads every object that the set's key opens. Returns where WAL begins, too.
async fn read_back(
    objects: &dyn Objects,
    folder: &Key,
    written: &[Object<BasePart>],
    key: &SealKey,
) -> Result<(KeyTexts, Label), Damage> {
    let find = |part: BasePart| {
        let found = written.iter().find(|object| object.what == part);
        found.ok_or_else(|| Damage::of(MANIFEST, format!("does not name {}", part.name())))
    };
    let object = find(BasePart::Keys)?;
    let sealed = sealed_text(objects, &at(folder, &object.name)?, object).await?;
    let text = open_text(&sealed, key).map_err(Damage::Sealed)?;
    let keys = KeyTexts::parse(&text).map_err(|_| Damage::of(&object.name, "does not read as keys"))?;
    let object = find(BasePart::Server)?;
    let mut reading = Reading::of(objects, &at(folder, &object.name)?, key).await?;
    let mut stream = reading.take();
    let mut head = Vec::new();
    let read = async {
        (&mut stream).take(HEADER + LONGEST_LABEL).read_to_end(&mut head).await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    read.await.map_err(|source| reading.broken(object, &source))?;
    reading.is(object)?;
    let label = label(&head).ok_or_else(|| Damage::of(&object.name, "does not begin as a base backup"))?;
    Ok((keys, label))
}

struct Label {
    start: Lsn,
    timeline: u32,
}

/// What the first file of the stream says: `START WAL LOCATION: 0/2000028 (file 000000010000000000000002)`.
fn label(head: &[u8]) -> Option<Label> {
    let (header, rest) = head.split_at_checked(HEADER as usize)?;
    if header.strip_prefix(LABEL.as_bytes())?.first() != Some(&0) {
        return None;
    }
    let text = String::from_utf8_lossy(rest);
    let said = |what: &str| text.lines().find_map(|line| line.strip_prefix(what));
    let start = said("START WAL LOCATION: ")?.split(' ').next()?.parse().ok()?;
    Some(Label { start, timeline: said("START TIMELINE: ")?.trim().parse().ok()? })
}

/// Makes one, and returns its folder. Of one that fails nothing is left, or only what the next one removes.
pub async fn make(record: &Record, source: &Source, turn: &mut PgConnection) -> Result<Key, RecordError> {
    let mut connection = source.connect().await?;
    let (lineage, _) = source::lineage(&mut connection).await?;
    let folder = self::folder(lineage, &sets::name(clock::now()))?;
    let written = write(record, source, (turn, &mut connection), (lineage, &folder)).await;
    if written.is_err()
        && let Err(error) = keeping::remove(record.objects.as_ref(), &folder).await
    {
        tracing::warn!(error = chain(&error), "what was written of a base backup is removed later");
    }
    written.map(|()| folder)
}

async fn write(
    record: &Record,
    source: &Source,
    (turn, connection): (&mut PgConnection, &mut PgConnection),
    (lineage, folder): (Lineage, &Key),
) -> Result<(), RecordError> {
    let (store, key) = (record.objects.as_ref(), SealKey::generate());
    let mut objects = vec![
        text(store, folder, (BasePart::SetKey, &key.text()), &record.recovery).await?,
        text(store, folder, (BasePart::Keys, &record.keys.get().write()?), &key.recipient()).await?,
    ];
    let mut program = source.program("pg_basebackup", "rp9-base")?;
    program.command.args([
        "--pgdata=-",
        "--format=tar",
        "--wal-method=fetch",
        "--checkpoint=fast",
        "--no-password",
    ]);
    let (sealed, plain) = seal(program.stream()?, key.recipient());
    let name = BasePart::Server.name();
    let stored = store.put(&at(folder, name)?, sealed).await?;
    objects.push(Object::named(name, BasePart::Server, stored, plain.get().cloned()));
    // Whatever was committed until now is in it, or in WAL that goes on from it.
    let facts = facts(turn).await?;
    let (_, label) = read_back(store, folder, &objects, &key).await?;
    let (after, _) = source::lineage(connection).await?;
    if after != lineage {
        return Err(RecordError::Overtaken);
    }
    let manifest = BaseManifest {
        format: FORMAT,
        set: folder.name().to_owned(),
        record: facts.record.to_string(),
        system: lineage.system.to_string(),
        segment_bytes: lineage.segment_bytes,
        timeline: label.timeline,
        start: label.start,
        taken_at: facts.at,
        schema: facts.schema,
        postgres: Postgres { server: facts.server.clone(), dump: facts.server, collation: None },
        database: facts.database,
        owner: facts.owner,
        recovery_recipient: record.recovery.to_string(),
        set_recipient: key.recipient().to_string(),
        objects,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    let sum = seal_text(&hex::encode(Sha256::digest(&text)).into(), &key.recipient())?;
    store.put(&at(folder, SUM)?, of(sum)).await?;
    // Somebody else may have taken the turn, and removed what looked unfinished.
    super::still_ours(turn).await?;
    store.put(&at(folder, MANIFEST)?, of(text)).await?;
    Ok(())
}

async fn text(
    objects: &dyn Objects,
    folder: &Key,
    (part, text): (BasePart, &SecretString),
    recipient: &Recipient,
) -> Result<Object<BasePart>, RecordError> {
    let stored = objects.put(&at(folder, part.name())?, of(seal_text(text, recipient)?)).await?;
    Ok(Object::named(part.name(), part, stored, None))
}

fn of(bytes: Vec<u8>) -> Stream {
    Box::pin(Cursor::new(bytes))
}

#[derive(sqlx::FromRow)]
struct Facts {
    at: OffsetDateTime,
    record: common::id::RecordId,
    schema: i64,
    server: String,
    database: String,
    owner: String,
}

/// Of the record, as its owner sees it.
async fn facts(connection: &mut PgConnection) -> Result<Facts, RecordError> {
    let asked = "select date_trunc('second', clock_timestamp()) + interval '1 second' as at, (select id from record_identity) as record,
                        (select max(version) from _sqlx_migrations where success) as schema,
                        split_part(current_setting('server_version'), ' ', 1) as server,
                        current_database()::text as database, current_user::text as owner";
    Ok(sqlx::query_as(asked).fetch_one(connection).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_wal_begins_is_in_what_the_stream_begins_with() {
        let mut head = vec![0; HEADER as usize];
        head[..LABEL.len()].copy_from_slice(LABEL.as_bytes());
        head.extend(b"START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nCHECKPOINT LOCATION: 0/2000080\nSTART TIMELINE: 1\n\0\0");
        let found = label(&head).unwrap();
        assert_eq!((found.start, found.timeline), (Lsn(0x200_0028), 1));
        head[0] = b'x';
        assert!(label(&head).is_none());
        assert!(label(&[]).is_none());
    }
}
