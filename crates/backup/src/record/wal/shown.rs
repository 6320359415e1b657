//! How WAL and base backups stand, for Prometheus: what the store has, as every replica sees it.

use std::sync::Arc;

use common::{clock, service::Round};
use metrics::{describe_counter, describe_gauge, gauge};
use objects::Objects;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{
    archive::Lineage,
    bases,
    lsn::{Lsn, SegmentBytes},
    position::{Position, Seen},
    source::SLOT,
};
use crate::record::RecordError;

const AGE: &str = "rp9_record_wal_age_seconds";
const KEPT: &str = "rp9_record_wal_kept_bytes";
const BASE_AGE: &str = "rp9_record_base_age_seconds";
const BASE_BYTES: &str = "rp9_record_base_bytes";
pub(super) const GAPS: &str = "rp9_record_wal_gaps_total";

/// Says what is told.
pub fn describe() {
    describe_gauge!(
        AGE,
        "Since the oldest change on the record's server that is not in the store; 0 when all are. Of a server of which nothing is there, since the record was made."
    );
    describe_gauge!(KEPT, "What the record's server keeps of WAL because it is not in the store.");
    describe_gauge!(
        BASE_AGE,
        "Since the newest base backup of the record's server; without any, since the record was made."
    );
    describe_gauge!(BASE_BYTES, "What that one takes in the store.");
    describe_counter!(GAPS, "How often WAL was removed by the record's server before it was in the store.");
    metrics::counter!(GAPS).absolute(0);
}

/// Looks again and again. While the store does not answer, what was seen last grows older.
pub struct WatchingWal {
    record: PgPool,
    objects: Arc<dyn Objects>,
    stored: Option<Position>,
    base: Option<OffsetDateTime>,
    seen: Seen,
}

struct Server {
    lineage: Lineage,
    written: Lsn,
    kept: Option<i64>,
    made: OffsetDateTime,
}

impl WatchingWal {
    /// Nothing is known yet.
    pub fn new(record: PgPool, objects: Arc<dyn Objects>) -> Self {
        Self { record, objects, stored: None, base: None, seen: Seen::default() }
    }

    async fn server(&self) -> Result<Server, RecordError> {
        let asked = "select (select system_identifier from pg_control_system()),
                            (select setting::bigint from pg_settings where name = 'wal_segment_size'),
                            pg_current_wal_flush_lsn()::text,
                            (select (pg_current_wal_flush_lsn() - restart_lsn)::bigint from pg_replication_slots where slot_name = $1),
                            (select created_at from record_identity)";
        let (system, bytes, written, kept, made): (i64, i64, String, _, _) =
            sqlx::query_as(asked).bind(SLOT).fetch_one(&self.record).await?;
        let segment_bytes = SegmentBytes::new(bytes.unsigned_abs()).ok_or(RecordError::Foreign)?;
        let lineage = Lineage { system: system.cast_unsigned(), segment_bytes };
        Ok(Server { lineage, written: written.parse().map_err(|_| RecordError::Foreign)?, kept, made })
    }

    /// What the store has.
    async fn look(&mut self, server: &Server) -> Result<(), RecordError> {
        self.objects.ensure_bucket().await?;
        let nothing = Position { lsn: Lsn(0), at: server.made };
        self.stored = Some(Position::read(self.objects.as_ref(), server.lineage).await?.unwrap_or(nothing));
        let bases = bases::look(self.objects.as_ref()).await?;
        let newest = bases.newest(None);
        self.base = Some(newest.map_or(server.made, |set| set.taken_at));
        #[expect(clippy::cast_precision_loss, reason = "a gauge; beyond 9 PB the last bytes do not matter")]
        gauge!(BASE_BYTES).set(newest.map_or(0, |set| set.bytes) as f64);
        Ok(())
    }
}

impl Round for WatchingWal {
    type Error = RecordError;

    async fn run(&mut self) -> Result<(), RecordError> {
        let server = self.server().await?;
        let now = clock::now();
        self.seen.note(now, server.written);
        let looked = self.look(&server).await;
        if let Some(stored) = self.stored {
            gauge!(AGE).set(stored.age(&self.seen, server.written, now).as_seconds_f64());
        }
        if let Some(base) = self.base {
            gauge!(BASE_AGE).set((now - base).as_seconds_f64().max(0.0));
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge; beyond 9 PB the last bytes do not matter")]
        gauge!(KEPT).set(server.kept.unwrap_or(0).max(0) as f64);
        looked
    }
}
