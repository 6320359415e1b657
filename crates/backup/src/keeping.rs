//! What is kept, and for how long. What nobody needs any more is removed, and never the last that a tenant could be restored from.

use std::sync::Arc;

use common::{
    clock,
    error::{Classify, Kind, chain},
    service::Round,
};
use objects::{Key, ObjectError, Objects};
use sqlx::PgPool;
use time::Duration;
use wire::backups::folder;

use crate::{World, store::kept};

/// Uploads that are older, and that nobody goes on with, are given up.
const UNFINISHED: Duration = Duration::minutes(45);

/// Removes what is due.
pub struct Keeping {
    record: PgPool,
    world: Arc<World>,
}

/// Why a round did not do all of it.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    #[error("the record cannot be asked")]
    Record(#[from] sqlx::Error),
    #[error("the store did not do it")]
    Store(#[from] ObjectError),
}

impl Classify for KeepingError {
    fn kind(&self) -> Kind {
        match self {
            Self::Record(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Keeping {
    pub fn new(record: PgPool, world: Arc<World>) -> Self {
        Self { record, world }
    }

    async fn remove_what_is_due(&self) -> Result<(), KeepingError> {
        let cluster = self.world.cluster.as_str();
        let expired = kept::expire(&self.record, cluster).await?;
        if expired > 0 {
            tracing::info!(backups = expired, "backups were kept for as long as they are kept");
        }
        for removing in kept::being_removed(&self.record, cluster).await? {
            let text = folder(removing.tenant_id, removing.id);
            let Ok(folder) = text.parse() else { continue };
            remove(self.world.objects.as_ref(), &folder).await?;
            kept::removed(&self.record, removing.id).await?;
            tracing::info!(tenant_id = %removing.tenant_id, backup = %removing.id, "a backup was removed");
        }
        Ok(())
    }

    /// What a process that died had begun. Of what is still made the newest upload is younger, or the operation begins it anew.
    async fn give_up_what_is_unfinished(&self) -> Result<(), KeepingError> {
        let Ok(all) = "tenants".parse() else { return Ok(()) };
        let objects = self.world.objects.as_ref();
        let long_ago = clock::now() - UNFINISHED;
        let unfinished = objects.unfinished(&all).await?;
        let old: Vec<_> = unfinished.into_iter().filter(|upload| upload.begun_at < long_ago).collect();
        if old.is_empty() {
            return Ok(());
        }
        let made: Vec<_> =
            kept::being_made(&self.record).await?.iter().map(|it| folder(it.tenant_id, it.id)).collect();
        for upload in old {
            if made.iter().any(|folder| upload.key.as_str().starts_with(folder)) {
                continue;
            }
            objects.abandon(&upload).await?;
            tracing::warn!(key = %upload.key, "an upload that nobody finished was given up");
        }
        Ok(())
    }
}

impl Round for Keeping {
    type Error = KeepingError;

    async fn run(&mut self) -> Result<(), KeepingError> {
        let removed = self.remove_what_is_due().await;
        if let Err(error) = &removed {
            tracing::debug!(error = chain(error), "what is due is removed later");
        }
        self.give_up_what_is_unfinished().await?;
        removed
    }
}

/// Removes all that there is below this key, and what was begun there.
pub async fn remove(objects: &dyn Objects, folder: &Key) -> Result<(), ObjectError> {
    let keys: Vec<_> = objects.list(folder).await?.into_iter().map(|object| object.key).collect();
    // What says that it is a backup goes first: half a set is none.
    let (manifest, others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.name() == objects::manifest::MANIFEST);
    objects.remove(&manifest).await?;
    objects.remove(&others).await?;
    for upload in objects.unfinished(folder).await? {
        objects.abandon(&upload).await?;
    }
    Ok(())
}
