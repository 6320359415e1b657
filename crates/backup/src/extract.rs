//! What is in a backup, and one workflow or credential out of it, asked over the bus.
//!
//! The objects they are in are read to their last byte before anything is told of them: what is not what was written is not handed out.

mod rows;

use std::sync::Arc;

use common::{
    error::{Classify, Kind, chain},
    id::BackupId,
    operations::StepError,
    service::Service,
};
use objects::{
    Key,
    manifest::{Content, MANIFEST, Manifest, Object},
    seal::SealKey,
};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use wire::{AskContents, AskExtract, BackupContents, Extracted, Kept, Listing, backups::folder};

use crate::{
    Damage, World,
    check::at,
    reading::{self, Reading},
    secrets,
    store::backups::{self, Written},
};
use rows::{Row, Rows};

/// Told of each sort; a tenant has some hundred.
const MOST_LISTED: usize = 5_000;

/// Questions answered side by side: each may hold a workflow of many megabytes, beside backups that are being made.
const AT_ONCE: usize = 2;

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum NoExtract {
    #[error("There is no such backup that could be read.")]
    NoBackup,
    #[error("The backup was made without {0}s.")]
    Without(&'static str),
    #[error("The backup has no such {0}.")]
    Absent(&'static str),
    #[error("The {0} is larger than is taken out alone: open the backup by hand (docs/restore-by-hand.md).")]
    TooLarge(&'static str),
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error("the record cannot be asked")]
    Record(#[from] sqlx::Error),
    #[error("{detail}")]
    Step { kind: Kind, detail: String },
}

impl Classify for NoExtract {
    fn kind(&self) -> Kind {
        match self {
            Self::NoBackup | Self::Absent(_) => Kind::NotFound,
            Self::Without(_) | Self::TooLarge(_) => Kind::Conflict,
            Self::Damage(damage) => damage.kind(),
            Self::Record(error) => error.kind(),
            Self::Step { kind, .. } => *kind,
        }
    }

    fn public_detail(&self) -> String {
        match self {
            Self::Record(_) => String::new(),
            Self::Damage(damage) => chain(damage),
            Self::NoBackup | Self::Without(_) | Self::Absent(_) | Self::TooLarge(_) | Self::Step { .. } => {
                self.to_string()
            }
        }
    }
}

impl From<StepError> for NoExtract {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Failed { kind, detail, .. } => Self::Step { kind, detail },
            // Nothing here is a step.
            StepError::LeaseLost | StepError::Stopped | StepError::Later(_) => {
                Self::Step { kind: Kind::Internal, detail: String::new() }
            }
        }
    }
}

/// Answers for as long as the service runs.
pub fn answer(service: &Service, world: &Arc<World>) {
    let asked = Asked {
        record: service.database.clone(),
        world: world.clone(),
        turns: Arc::new(Semaphore::new(AT_ONCE)),
    };
    let place = Some(world.cluster.as_str());
    let listed = asked.clone();
    service.answer(place, move |AskContents { backup, .. }| {
        let Asked { record, world, turns } = listed.clone();
        async move {
            let _turn = turns.acquire().await;
            contents(&record, &world, backup).await
        }
    });
    service.answer(place, move |question: AskExtract| {
        let Asked { record, world, turns } = asked.clone();
        async move {
            let _turn = turns.acquire().await;
            extract(&record, &world, &question).await
        }
    });
}

/// What answers are made of.
#[derive(Clone)]
struct Asked {
    record: PgPool,
    world: Arc<World>,
    turns: Arc<Semaphore>,
}

/// What there is.
pub async fn contents(record: &PgPool, world: &World, backup: BackupId) -> Result<BackupContents, NoExtract> {
    let set = Set::open(record, world, backup).await?;
    let listing = async |what| match set.find(what) {
        None => Ok::<_, NoExtract>(None),
        Some(object) => set.list(world, object).await.map(Some),
    };
    Ok(BackupContents {
        workflows: listing(Content::Workflows).await?,
        credentials: listing(Content::Credentials).await?,
    })
}

/// One of them, as n8n exports it.
pub async fn extract(record: &PgPool, world: &World, asked: &AskExtract) -> Result<String, NoExtract> {
    let set = Set::open(record, world, asked.backup).await?;
    let word = asked.what.as_str();
    let content = match asked.what {
        Extracted::Workflow => Content::Workflows,
        Extracted::Credential => Content::Credentials,
    };
    let object = set.find(content).ok_or(NoExtract::Without(word))?;
    let mut found = None;
    set.read(world, object, |row| {
        if row.head.id == asked.id {
            found = Some(row.json);
        }
    })
    .await?;
    found.ok_or(NoExtract::Absent(word))?.ok_or(NoExtract::TooLarge(word))
}

/// A set that is read.
struct Set {
    folder: Key,
    key: SealKey,
    manifest: Manifest,
}

/// What is told of each.
#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    name: String,
    #[serde(default)]
    active: bool,
    #[serde(default, rename = "type")]
    credential_type: String,
}

impl Set {
    async fn open(record: &PgPool, world: &World, backup: BackupId) -> Result<Self, NoExtract> {
        let found = backups::find_read_back(record, backup).await?;
        let Written { tenant_id: tenant, manifest_sha256 } = found.ok_or(NoExtract::NoBackup)?;
        let key = secrets::backup_key(record, &world.keys, tenant).await?;
        let folder: Key = folder(tenant, backup)
            .parse()
            .map_err(|error| Damage::of(MANIFEST, format!("is nowhere: {error}")))?;
        let text = reading::manifest(world.objects.as_ref(), &at(&folder, MANIFEST)?).await?;
        let manifest = Manifest::read(&text, Some(&manifest_sha256)).map_err(Damage::Manifest)?;
        Ok(Self { folder, key, manifest })
    }

    fn find(&self, what: Content) -> Option<&Object> {
        self.manifest.objects.iter().find(|object| object.what == what)
    }

    async fn list(&self, world: &World, object: &Object) -> Result<Listing, NoExtract> {
        let mut listing = Listing::default();
        self.read(world, object, |Row { head, .. }| {
            if listing.kept.len() < MOST_LISTED {
                let Head { id, name, active, credential_type } = head;
                listing.kept.push(Kept { id, name, credential_type, active });
            } else {
                listing.truncated = true;
            }
        })
        .await?;
        Ok(listing)
    }

    /// Tells each row, and fails where the object turns out not to be what was written.
    async fn read(&self, world: &World, object: &Object, mut told: impl FnMut(Row)) -> Result<(), NoExtract> {
        let mut reading =
            Reading::of(world.objects.as_ref(), &at(&self.folder, &object.name)?, &self.key).await?;
        let mut rows = Rows::new(reading.take());
        loop {
            match rows.next().await {
                Ok(Some(row)) => told(row),
                Ok(None) => return Ok(reading.is(object)?),
                Err(error) => return Err(reading.broken(object, &error).into()),
            }
        }
    }
}
