//! Makes a dump of the record: written, read back, and then called one.

use std::io::Cursor;

use async_trait::async_trait;
use common::{
    error::chain,
    schedules::{Firing, Job, JobError},
};
use metrics::counter;
use objects::{
    Key, Stream,
    manifest::{MANIFEST, Object, Postgres},
    seal::{Recipient, SealKey, seal, seal_text},
};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::{
    Record, RecordError, RecordManifest,
    check::read_back,
    manifest::{FORMAT, Part, SUM},
    moment::{Facts, Held},
    sets, shown,
};
use crate::{check::at, keeping};

/// The job that a schedule runs each hour, wherever the schedule's lease is held: one at a time.
pub struct DumpRecord {
    record: Record,
}

#[async_trait]
impl Job for DumpRecord {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, firing: &Firing) -> Result<(), JobError> {
        let made = self.unless_made_since(firing).await;
        if let Err(error) = &made {
            counter!(shown::FAILURES).increment(1);
            tracing::warn!(error = chain(error), "the record was not dumped; it is tried again");
        }
        Ok(made?)
    }
}

impl DumpRecord {
    /// What schedules call it by.
    pub const NAME: &'static str = "record.dump";

    /// Of this record.
    pub fn new(record: Record) -> Self {
        Self { record }
    }

    async fn unless_made_since(&self, firing: &Firing) -> Result<(), RecordError> {
        let objects = self.record.objects.as_ref();
        let newest = sets::look(objects).await?.newest(None).map(|set| set.taken_at);
        if newest.is_some_and(|taken_at| taken_at >= firing.due_at) {
            return Ok(());
        }
        sets::remove_unfinished(objects).await?;
        let folder = self.record.dump().await?;
        tracing::info!(%folder, "the record was dumped, and the dump read back");
        Ok(sets::remove_old(objects).await?)
    }
}

impl Record {
    /// Makes one, and returns its folder. Of one that fails nothing is left, or only what the next one removes.
    pub async fn dump(&self) -> Result<Key, RecordError> {
        let held = Held::begin(&self.server).await?;
        let set = sets::name(held.facts.at);
        let folder: Key = format!("{}/{set}", sets::DUMPS).parse().map_err(|_| RecordError::Address)?;
        let written = self.write(held, (set, &folder)).await;
        if written.is_err()
            && let Err(error) = keeping::remove(self.objects.as_ref(), &folder).await
        {
            tracing::warn!(error = chain(&error), "what was written of a dump is removed later");
        }
        written.map(|()| folder)
    }

    async fn write(&self, held: Held, (set, folder): (String, &Key)) -> Result<(), RecordError> {
        // Of this set alone, and only known here until it was read back: afterwards it opens with the recovery key.
        let key = SealKey::generate();
        let (own, keys) = (key.recipient(), self.keys.get().write()?);
        let mut objects = vec![
            self.text(folder, (Part::SetKey, &key.text()), &self.recovery).await?,
            self.text(folder, (Part::Keys, &keys), &own).await?,
        ];
        let (sealed, plain) = seal(held.dump()?, own);
        let name = Part::Database.name();
        let stored = self.objects.put(&at(folder, name)?, sealed).await?;
        objects.push(Object::named(name, Part::Database, stored, plain.get().cloned()));
        let facts = held.facts.clone();
        drop(held);
        let manifest = self.manifest(set, facts, objects, &key).await?;
        read_back(self.objects.as_ref(), folder, &manifest, &key, &self.server.readers()).await?;
        let text = manifest.write()?;
        let sum = hex::encode(Sha256::digest(&text)).into();
        let sum = seal_text(&sum, &key.recipient())?;
        self.objects.put(&at(folder, SUM)?, of(sum)).await?;
        self.objects.put(&at(folder, MANIFEST)?, of(text)).await?;
        Ok(())
    }

    async fn text(
        &self,
        folder: &Key,
        (part, text): (Part, &SecretString),
        recipient: &Recipient,
    ) -> Result<Object<Part>, RecordError> {
        let sealed = seal_text(text, recipient)?;
        let stored = self.objects.put(&at(folder, part.name())?, of(sealed)).await?;
        Ok(Object::named(part.name(), part, stored, None))
    }

    async fn manifest(
        &self,
        set: String,
        facts: Facts,
        objects: Vec<Object<Part>>,
        key: &SealKey,
    ) -> Result<RecordManifest, RecordError> {
        let mut program = self.server.readers().program("pg_dump", None)?;
        program.command.arg("--version");
        // `pg_dump (PostgreSQL) 17.10 (Debian …)`.
        let dump = program.run().await?.split_whitespace().nth(2).unwrap_or_default().to_owned();
        Ok(RecordManifest {
            format: FORMAT,
            set,
            record: facts.record.to_string(),
            taken_at: facts.at,
            schema: facts.schema,
            postgres: Postgres { server: facts.server, dump, collation: facts.collation },
            recovery_recipient: self.recovery.to_string(),
            set_recipient: key.recipient().to_string(),
            objects,
            rows: facts.rows,
        })
    }
}

fn of(bytes: Vec<u8>) -> Stream {
    Box::pin(Cursor::new(bytes))
}
