//! A server of its own, for as long as it takes to bring the record back: from a base backup and WAL, in a folder that goes afterwards. Nobody else
//! reaches it. Of the databases that it has only the record's is taken; the others stay where they are, or come back from their own backups.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use common::error::chain;
use n8n::copies::{Programs, Running};
use objects::Objects;
use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions, postgres::PgPoolOptions};
use tempfile::TempDir;
use time::{OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::sleep;

use super::{Lsn, way_back::Checked};
use crate::{
    Damage,
    record::{Filling, Former, RecordError, Recovered, Server, may_be_filled, moment::Held, written},
};

/// Until it is asked again whether it has come to its end.
const ASK_AGAIN: Duration = Duration::from_millis(200);
const SOCKET_PORT: u16 = 5432;
/// While it reads its settings, it knows of no zone but by its hours.
const TARGET: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]+00");
/// What Postgres ends with where it has come to the end before the moment that it was to go to.
const NOTHING_AFTER: &str = "recovery ended before configured recovery target was reached";
/// What its folder's name begins with.
const PREFIX: &str = "rp9-record";

/// What it is started with: nothing of what the server was told that it is of.
const SETTINGS: &str = "listen_addresses = ''
hot_standby = off
shared_buffers = 64MB
fsync = off
full_page_writes = off
archive_mode = off
max_connections = 20
autovacuum = off
shared_preload_libraries = ''
log_destination = 'stderr'
log_min_messages = fatal
lc_messages = 'C'
logging_collector = off
recovery_target_timeline = 'current'
recovery_target_action = 'promote'
";

/// One that has come to its end.
pub struct Aside {
    /// Where the record is.
    pub server: Server,
    /// When the last change was made that is in it.
    pub moment: OffsetDateTime,
    _running: Running,
    _folder: TempDir,
}

impl Aside {
    /// Makes one below this folder, and lets it go on to this moment, or as far as it goes.
    pub async fn make(
        objects: &dyn Objects,
        checked: &Checked,
        (room, programs): (&Path, Option<PathBuf>),
        until: Option<OffsetDateTime>,
    ) -> Result<Self, RecordError> {
        clear(room).map_err(RecordError::Room)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(room).map_err(RecordError::Room)?;
        let readers = Programs::of_no_server(programs.clone());
        let (data, wal) = (folder.path().join("data"), folder.path().join("wal"));
        lay_out(folder.path(), &data, &wal).map_err(RecordError::Room)?;
        let mut unpack = Programs::of_no_server(None).program("tar", None)?;
        unpack.command.args(["--extract", "--no-same-owner"]).arg("--directory").arg(&data);
        unpack.feed(checked.server(objects).await?).await?;
        let mut verify = readers.program("pg_verifybackup", None)?;
        // WAL is read by the server itself.
        verify.command.args(["--quiet", "--no-parse-wal"]).arg(&data);
        verify.run().await.map_err(|why| Damage::of("server.tar.zst.age", format!("is not whole: {why}")))?;
        checked.write_wal(objects, &wal).await?;
        fs::write(data.join("postgresql.auto.conf"), "").map_err(RecordError::Room)?;
        let mut begun =
            Beginning { folder: folder.path(), data: &data, wal: &wal, readers: &readers, checked };
        let target = until.filter(|_| checked.last().is_some());
        let mut ended = begun.run(target).await;
        if ended.as_ref().is_err_and(|error| chain(error).contains(NOTHING_AFTER)) {
            // Nothing happened between that moment and the end of what there is: then all of it is wanted.
            ended = begun.run(None).await;
        }
        let (running, mut connection) = ended?;
        let moment = moment(&mut connection, checked, until).await?;
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(begun.options());
        let server = Server::new(pool, programs);
        Ok(Self { server, moment, _running: running, _folder: folder })
    }
}

impl Checked {
    /// Fills the record from this way back, by way of a server aside in this folder. Killed at any moment, it is begun again with
    /// [`Former::Overwritten`].
    pub async fn restore(
        &self,
        server: &Server,
        objects: &dyn Objects,
        (room, programs): (&Path, Option<PathBuf>),
        until: Option<OffsetDateTime>,
        former: Former,
    ) -> Result<Recovered, RecordError> {
        may_be_filled(server, former).await?;
        let aside = Aside::make(objects, self, (room, programs), until).await?;
        tracing::info!(moment = written(aside.moment), "the record is as it was; it moves to its server");
        let held = Held::begin(&aside.server).await?;
        if held.facts.record.to_string() != self.base.manifest.record {
            return Err(Damage::of("server.tar.zst.age", "has another record").into());
        }
        let from = self.base.folder.as_str().to_owned();
        let filling = Filling { from, of: aside.moment, rows: held.facts.rows.clone(), dump: held.dump()? };
        filling.fill(server, former).await
    }
}

struct Beginning<'a> {
    folder: &'a Path,
    data: &'a Path,
    wal: &'a Path,
    readers: &'a Programs,
    checked: &'a Checked,
}

impl Beginning<'_> {
    fn options(&self) -> PgConnectOptions {
        let manifest = &self.checked.base.manifest;
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder)
            .port(SOCKET_PORT)
            .username(&manifest.owner)
            .database(&manifest.database)
    }

    /// Starts it, and waits until it has done what it can.
    async fn run(&mut self, until: Option<OffsetDateTime>) -> Result<(Running, PgConnection), RecordError> {
        // Our own folder's name: letters and digits.
        let mut settings = format!("{SETTINGS}restore_command = 'cp {}/%f %p'\n", self.wal.display());
        if let Some(until) = until.and_then(|until| until.to_offset(UtcOffset::UTC).format(TARGET).ok()) {
            settings.push_str(&format!("recovery_target_time = '{until}'\n"));
        }
        let written =
            |name: &str, text: &str| fs::write(self.folder.join(name), text).map_err(RecordError::Room);
        written("settings", &settings)?;
        // Its socket is in a folder that is ours alone.
        written("access", "local all all trust\n")?;
        let signal = self.data.join("recovery.signal");
        fs::write(&signal, "").map_err(RecordError::Room)?;
        let mut program = self.readers.program("postgres", None)?;
        program.command.arg("-D").arg(self.data).env("TZ", "UTC");
        for (setting, file) in [("config_file", "settings"), ("hba_file", "access")] {
            program.command.arg("-c").arg(format!("{setting}={}", self.folder.join(file).display()));
        }
        program.command.arg("-c").arg(format!("unix_socket_directories={}", self.folder.display()));
        let mut running = program.spawn()?;
        loop {
            if let Some(error) = running.ended() {
                return Err(error.into());
            }
            // While it goes on it lets nobody in, and that it was asked would be among its complaints.
            if !signal.exists()
                && let Ok(connection) = self.options().connect().await
            {
                return Ok((running, connection));
            }
            sleep(ASK_AGAIN).await;
        }
    }
}

/// What one that was killed left: only one is made at a time.
fn clear(room: &Path) -> io::Result<()> {
    for left in fs::read_dir(room)? {
        let left = left?;
        if left.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(left.path())?;
        }
    }
    Ok(())
}

/// Folders that nobody else looks into.
fn lay_out(folder: &Path, data: &Path, wal: &Path) -> io::Result<()> {
    for made in [data, wal] {
        fs::create_dir(made)?;
    }
    for ours in [folder, data] {
        fs::set_permissions(ours, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Of when it is; it has gone as far as it was to go.
async fn moment(
    connection: &mut PgConnection,
    checked: &Checked,
    until: Option<OffsetDateTime>,
) -> Result<OffsetDateTime, RecordError> {
    let asked = "select pg_last_xact_replay_timestamp(), pg_last_wal_replay_lsn()::text";
    let (at, replayed): (Option<OffsetDateTime>, Option<String>) =
        sqlx::query_as(asked).fetch_one(connection).await?;
    let replayed: Lsn = replayed.unwrap_or_default().parse().map_err(|_| RecordError::Foreign)?;
    // WAL that does not read ends it as if there were no more. The last record may begin one segment earlier.
    if let Some(last) = checked.last().filter(|_| until.is_none())
        && replayed < checked.start(last.number.saturating_sub(1))
    {
        return Err(Damage::of("WAL", format!("does not read beyond {replayed}")).into());
    }
    let at = at.unwrap_or(checked.base.manifest.taken_at);
    match until {
        Some(until) if at > until => Err(RecordError::Refused(
            "the record came back as of a later moment than the one that was asked for",
        )),
        _ => Ok(at),
    }
}
