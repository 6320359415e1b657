//! WAL goes to the store, as it is written: each segment that is complete, at once, and what there is of the next one. One process does it at a
//! time. It keeps nothing that would be missed: what is not in the store the server keeps, as far as it is told to.

use std::{sync::Arc, time::Duration};

use common::{clock, service::Round};
use metrics::counter;
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    archive::{Lineage, Stored},
    lsn::Lsn,
    lsn::Segment,
    position::{Position, Seen},
    receiving::Receiving,
    shown,
    source::{self, Slot, Source},
    strand::Strand,
};
use crate::record::{Record, RecordError};

/// How often we look whether a segment is complete.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a part is stored, if there is more of it: with the time that takes, within a minute.
const PART_EVERY: Duration = Duration::from_secs(45);

/// Archives while nobody else does.
pub struct Archiver {
    record: Record,
    source: Source,
    part_every: Duration,
    works: Arc<Notify>,
}

impl Archiver {
    pub fn new(record: Record, source: Source) -> Self {
        Self { record, source, part_every: PART_EVERY, works: Arc::default() }
    }

    /// Parts are stored so often.
    #[must_use]
    pub fn parts_every(self, part_every: Duration) -> Self {
        Self { part_every, ..self }
    }
}

impl Round for Archiver {
    type Error = RecordError;

    /// Ends at once where somebody else is at it, and otherwise only when something is in the way.
    async fn run(&mut self) -> Result<(), RecordError> {
        let Some(turn) = super::turn(&self.record.server, "wal of the record").await? else { return Ok(()) };
        let mut leading = Leading::begin(self, turn).await?;
        leading.go_on(self.part_every).await
    }

    fn works(&self) -> Option<Arc<Notify>> {
        Some(self.works.clone())
    }
}

struct Leading<'a> {
    record: &'a Record,
    works: &'a Notify,
    /// Whoever has it has the turn.
    turn: PgConnection,
    connection: PgConnection,
    lineage: Lineage,
    receiving: Receiving,
    strand: Strand,
    stored: Position,
    seen: Seen,
}

impl<'a> Leading<'a> {
    async fn begin(archiver: &'a Archiver, turn: PgConnection) -> Result<Self, RecordError> {
        let Archiver { record, source, works, .. } = archiver;
        record.objects.ensure_bucket().await?;
        let mut connection = source.connect().await?;
        let (lineage, timeline) = source::lineage(&mut connection).await?;
        let kept = kept(&mut connection).await?;
        let stored = Position::read(record.objects.as_ref(), lineage).await?;
        // Without any, all that is known is that nothing is there.
        let stored = stored.unwrap_or(Position { lsn: Lsn(0), at: OffsetDateTime::UNIX_EPOCH });
        let strand = Strand::begin(record, lineage, clock::now()).await?;
        let receiving = Receiving::begin(source, lineage, source::first(lineage, timeline, kept))?;
        tracing::info!(from = %kept, "the record's WAL goes to the store");
        Ok(Self {
            record,
            works,
            turn,
            connection,
            lineage,
            receiving,
            strand,
            stored,
            seen: Seen::default(),
        })
    }

    async fn go_on(&mut self, part_every: Duration) -> Result<(), RecordError> {
        let mut ticks = interval(LOOK_EVERY.min(part_every));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_part = Instant::now();
        loop {
            ticks.tick().await;
            super::still_ours(&mut self.turn).await?;
            let look = source::look(&mut self.connection, &self.receiving.name).await?;
            let Slot::From(_) = look.slot else { return Err(RecordError::Overtaken) };
            self.seen.note(clock::now(), look.flushed);
            self.receiving.watch().await?;
            self.works.notify_one();
            if self.strand.is_over(self.record, clock::now())? {
                self.strand = Strand::begin(self.record, self.lineage, clock::now()).await?;
            }
            for (segment, file) in self.receiving.finished()? {
                self.store(segment, &file, None).await?;
                self.receiving.remove(segment)?;
            }
            let Some(received) = look.received.filter(|received| *received > self.stored.lsn) else {
                continue;
            };
            if Instant::now() < next_part {
                continue;
            }
            if let Some((segment, file)) = self.receiving.unfinished()?
                && self.lineage.segment_bytes.of(received, segment.timeline) == segment
            {
                self.store(segment, &file, Some(received)).await?;
                next_part = Instant::now() + part_every;
            }
        }
    }

    /// Stores a segment, or what there is of it up to a position, and lets the server know.
    async fn store(
        &mut self,
        segment: Segment,
        file: &std::path::Path,
        part: Option<Lsn>,
    ) -> Result<(), RecordError> {
        let end = part.unwrap_or_else(|| self.lineage.segment_bytes.end(segment));
        let at = self.seen.moment(end).unwrap_or(self.stored.at).max(self.stored.at);
        let name = Stored::name(self.lineage, segment, at, part);
        let is_stored = {
            let stored = self.strand.put(self.record.objects.as_ref(), file, &name, part.is_some());
            tokio::pin!(stored);
            loop {
                tokio::select! {
                    stored = &mut stored => break stored?,
                    // A store that is slow does not fill our memory.
                    () = sleep(LOOK_EVERY) => self.receiving.watch().await?,
                }
            }
        };
        if !is_stored {
            return Ok(());
        }
        super::still_ours(&mut self.turn).await?;
        if end > self.stored.lsn {
            self.stored = Position { lsn: end, at };
            self.stored.write(self.record.objects.as_ref(), self.lineage).await?;
        }
        // One that goes back was stored before, by whoever was at it then.
        if matches!(source::look(&mut self.connection, &self.receiving.name).await?.slot, Slot::From(kept) if kept < end)
        {
            source::advance(&mut self.connection, end).await?;
        }
        Ok(())
    }
}

/// From where on the server has everything, for us. Where it has not any more, from now on: what is between is in no copy but the dumps, and the
/// next base backup begins anew.
async fn kept(connection: &mut PgConnection) -> Result<Lsn, RecordError> {
    match source::look(connection, "").await?.slot {
        Slot::From(kept) => return Ok(kept),
        Slot::Missing => {}
        Slot::Lost => {
            counter!(shown::GAPS).increment(1);
            tracing::error!(
                "WAL of the record was removed before it was in the store: from here on it begins anew, with a new base backup"
            );
            source::let_go(connection).await?;
        }
    }
    source::keep(connection).await
}
