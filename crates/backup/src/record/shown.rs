//! How the copies of the record stand, for Prometheus: what the store has, as every replica sees it.

use std::sync::Arc;

use common::{clock, service::Round};
use metrics::{describe_counter, describe_gauge, gauge};
use objects::{Objects, seal::Recipient};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{RecordError, last_opened, sets};

const AGE: &str = "rp9_record_backup_age_seconds";
const BYTES: &str = "rp9_record_backup_bytes";
const OPENED: &str = "rp9_recovery_key_opened_age_seconds";
pub(super) const FAILURES: &str = "rp9_record_backup_failures_total";

/// Says what is told.
pub fn describe() {
    describe_gauge!(
        AGE,
        "Since the moment of the newest dump of the record; without any, since the record was made."
    );
    describe_gauge!(BYTES, "What that one takes in the store.");
    describe_gauge!(
        OPENED,
        "Since the recovery key was last seen to open a copy of the record; if it never was, since the record was made."
    );
    describe_counter!(FAILURES, "Attempts to dump the record that came to nothing, in this process.");
    // A counter that begins at its first count hides that one.
    metrics::counter!(FAILURES).absolute(0);
}

/// Looks again and again. While the store does not answer, what was seen last grows older.
pub struct WatchingRecord {
    record: PgPool,
    objects: Arc<dyn Objects>,
    recovery: Recipient,
    since: Option<OffsetDateTime>,
    opened: Option<OffsetDateTime>,
}

impl WatchingRecord {
    /// Nothing is known yet.
    pub fn new(record: PgPool, objects: Arc<dyn Objects>, recovery: Recipient) -> Self {
        Self { record, objects, recovery, since: None, opened: None }
    }

    async fn look(&mut self) -> Result<(), RecordError> {
        // A new store has none, and is no fault.
        self.objects.ensure_bucket().await?;
        let sets = sets::look(self.objects.as_ref()).await?;
        let newest = sets.newest(None);
        let made =
            sqlx::query_scalar("select created_at from record_identity").fetch_one(&self.record).await?;
        self.since = Some(newest.map_or(made, |set| set.taken_at));
        #[expect(clippy::cast_precision_loss, reason = "a gauge; beyond 9 PB the last bytes do not matter")]
        gauge!(BYTES).set(newest.map_or(0, |set| set.bytes) as f64);
        self.opened = Some(last_opened(self.objects.as_ref(), &self.recovery).await?.unwrap_or(made));
        Ok(())
    }
}

impl Round for WatchingRecord {
    type Error = RecordError;

    async fn run(&mut self) -> Result<(), RecordError> {
        let looked = self.look().await;
        for (age, since) in [(AGE, self.since), (OPENED, self.opened)] {
            if let Some(since) = since {
                gauge!(age).set((clock::now() - since).as_seconds_f64().max(0.0));
            }
        }
        looked
    }
}
