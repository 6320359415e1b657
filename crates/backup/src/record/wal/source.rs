//! The server that WAL comes from, as the role that may replicate it and nothing else.

use std::{fmt, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use n8n::copies::{Program, Programs};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{Lineage, Lsn, Segment, SegmentBytes};
use crate::record::RecordError;

/// What the server keeps WAL for, until it is in the store.
pub const SLOT: &str = "rp9_record";

/// Where WAL comes from. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct Source {
    url: Arc<ArcSwap<SecretString>>,
    folder: Option<PathBuf>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// What the server keeps for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Nobody has made one, or somebody has removed it.
    Missing,
    /// We were away for too long: what was next is gone.
    Lost,
    /// From here on all WAL is there.
    From(Lsn),
}

/// At one moment.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// What the server has on its disk.
    pub flushed: Lsn,
    /// What our receiver has written.
    pub received: Option<Lsn>,
    pub slot: Slot,
}

impl Source {
    /// On the server of this URL. `folder`: where PostgreSQL's programs are, if not in the PATH.
    pub fn new(url: SecretString, folder: Option<PathBuf>) -> Self {
        Self { url: Arc::new(ArcSwap::from_pointee(url)), folder }
    }

    /// Goes on with another login to the same server.
    pub fn put_url(&self, url: SecretString) {
        self.url.store(Arc::new(url));
    }

    /// A connection that asks and says what is kept.
    pub async fn connect(&self) -> Result<PgConnection, RecordError> {
        let options: PgConnectOptions =
            self.url.load().expose_secret().parse().map_err(|_| RecordError::Replication)?;
        Ok(PgConnection::connect_with(&options.application_name("rp9-wal")).await?)
    }

    /// A program that is about to copy from it, under this name.
    pub fn program(&self, program: &'static str, name: &str) -> Result<Program, RecordError> {
        let programs =
            Programs::new(&self.url.load(), self.folder.clone()).ok_or(RecordError::Replication)?;
        let mut program = programs.program(program, None)?;
        program.command.env("PGAPPNAME", name);
        Ok(program)
    }
}

/// Which server it is, and on which timeline.
pub async fn lineage(connection: &mut PgConnection) -> Result<(Lineage, u32), RecordError> {
    let asked = "select (select system_identifier from pg_control_system()),
                        (select setting::bigint from pg_settings where name = 'wal_segment_size'),
                        left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)";
    let (system, bytes, timeline): (i64, i64, String) = sqlx::query_as(asked).fetch_one(connection).await?;
    let segment_bytes = SegmentBytes::new(bytes.unsigned_abs()).ok_or(RecordError::Foreign)?;
    let timeline = u32::from_str_radix(&timeline, 16).map_err(|_| RecordError::Foreign)?;
    Ok((Lineage { system: system.cast_unsigned(), segment_bytes }, timeline))
}

/// How it stands. `receiver` is the name that ours connects by.
pub async fn look(connection: &mut PgConnection, receiver: &str) -> Result<Look, RecordError> {
    let asked = "select pg_current_wal_flush_lsn()::text,
                        (select max(write_lsn)::text from pg_stat_replication where application_name = $1),
                        s.restart_lsn::text, s.wal_status
                   from (select) one left join pg_replication_slots s on s.slot_name = $2";
    let (flushed, received, kept, status): (String, Option<String>, Option<String>, Option<String>) =
        sqlx::query_as(asked).bind(receiver).bind(SLOT).fetch_one(connection).await?;
    let lsn = |text: &str| text.parse::<Lsn>().map_err(|_| RecordError::Foreign);
    let slot = match (status.as_deref(), kept) {
        (None, _) => Slot::Missing,
        (Some("lost"), _) | (_, None) => Slot::Lost,
        (_, Some(kept)) => Slot::From(lsn(&kept)?),
    };
    Ok(Look { flushed: lsn(&flushed)?, received: received.as_deref().map(lsn).transpose()?, slot })
}

/// Has WAL kept from now on. Returns from where.
pub async fn keep(connection: &mut PgConnection) -> Result<Lsn, RecordError> {
    // Kept without a bound, it would fill the record's disk while nobody takes it.
    let bound = "select setting <> '-1' from pg_settings where name = 'max_slot_wal_keep_size'";
    if !sqlx::query_scalar(bound).fetch_one(&mut *connection).await? {
        return Err(RecordError::Refused("max_slot_wal_keep_size is not set on the record's server"));
    }
    let make = sqlx::query_scalar("select lsn::text from pg_create_physical_replication_slot($1, true)");
    let lsn: String = make.bind(SLOT).fetch_one(connection).await?;
    lsn.parse().map_err(|_| RecordError::Foreign)
}

/// Nothing is kept for us any more.
pub async fn let_go(connection: &mut PgConnection) -> Result<(), RecordError> {
    let dropped = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1";
    sqlx::query(dropped).bind(SLOT).execute(connection).await?;
    Ok(())
}

/// What is before this is not needed any more. Fails for whoever is behind what another has told.
pub async fn advance(connection: &mut PgConnection, to: Lsn) -> Result<(), RecordError> {
    let told = sqlx::query("select pg_replication_slot_advance($1, $2::text::pg_lsn)");
    told.bind(SLOT).bind(to.to_string()).execute(connection).await?;
    Ok(())
}

/// Where the receiver begins that is to have all from here on.
pub fn first(lineage: Lineage, timeline: u32, kept: Lsn) -> Segment {
    lineage.segment_bytes.of(kept, timeline)
}
