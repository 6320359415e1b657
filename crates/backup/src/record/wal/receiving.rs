//! PostgreSQL's own receiver, and the folder that it writes to: in memory where the service runs, never more than a few segments, and of no
//! worth: what is in it the server has too, until it is in the store.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use n8n::copies::Running;
use tempfile::TempDir;

use super::{Lineage, Segment, source::Source};
use crate::record::RecordError;

/// So many finished segments may wait for the store. The rest waits at the server.
const WAITING: usize = 3;
const PARTIAL: &str = ".partial";

/// One that goes on.
pub struct Receiving {
    source: Source,
    lineage: Lineage,
    /// What the server knows the receiver by: of one that was killed its connection may be there for a while.
    pub name: String,
    folder: TempDir,
    /// None while the store is slower than the server.
    running: Option<Running>,
    next: Segment,
}

impl Receiving {
    /// From the beginning of this segment on.
    pub fn begin(source: &Source, lineage: Lineage, first: Segment) -> Result<Self, RecordError> {
        let name = format!("rp9-wal-{}", uuid::Uuid::now_v7().simple());
        let folder = tempfile::Builder::new().prefix("rp9-wal").tempdir().map_err(RecordError::Room)?;
        let mut begun = Self { source: source.clone(), lineage, name, folder, running: None, next: first };
        begun.go_on()?;
        Ok(begun)
    }

    /// Fails once the receiver has ended by itself; ends it when too much waits, and goes on when that is stored.
    pub async fn watch(&mut self) -> Result<(), RecordError> {
        let waiting = self.finished()?.len();
        match &mut self.running {
            Some(running) => {
                if let Some(error) = running.ended() {
                    return Err(error.into());
                }
                if waiting > WAITING {
                    running.kill().await;
                    self.running = None;
                }
            }
            None if waiting == 0 => self.go_on()?,
            None => {}
        }
        Ok(())
    }

    /// Those that are complete, in their order.
    pub fn finished(&self) -> Result<Vec<(Segment, PathBuf)>, RecordError> {
        let segment = |name: &str| self.lineage.segment_bytes.segment(name);
        self.files(segment)
    }

    /// The one that is being written.
    pub fn unfinished(&self) -> Result<Option<(Segment, PathBuf)>, RecordError> {
        let segment = |name: &str| self.lineage.segment_bytes.segment(name.strip_suffix(PARTIAL)?);
        Ok(self.files(segment)?.pop())
    }

    /// It is in the store.
    pub fn remove(&mut self, segment: Segment) -> Result<(), RecordError> {
        let file = self.folder.path().join(self.lineage.segment_bytes.name(segment));
        self.next = Segment { number: segment.number + 1, ..segment };
        fs::remove_file(file).map_err(RecordError::Room)
    }

    /// It goes on where the newest file in its folder ends, or at the beginning of one that is not complete.
    fn go_on(&mut self) -> Result<(), RecordError> {
        let begun = self.unfinished()?.map(|(_, file)| file);
        let is_laid_out =
            |file: &PathBuf| fs::metadata(file).is_ok_and(|file| file.len() == self.lineage.segment_bytes.0);
        let name = self.lineage.segment_bytes.name(self.next) + PARTIAL;
        let next = self.folder.path().join(name);
        // One that was killed while it made its file does not go on with that.
        let anew = match begun {
            Some(begun) => (!is_laid_out(&begun)).then_some(begun),
            None => self.finished()?.is_empty().then_some(next),
        };
        if let Some(file) = anew {
            File::create(file).map_err(RecordError::Room)?;
        }
        let mut program = self.source.program("pg_receivewal", &self.name)?;
        // It tells the server at once what it has: by that we know what is in the file.
        program.command.args(["--no-loop", "--no-password", "--synchronous", "--status-interval=1"]);
        program.command.arg("--directory").arg(self.folder.path());
        self.running = Some(program.spawn()?);
        Ok(())
    }

    fn files(
        &self,
        segment: impl Fn(&str) -> Option<Segment>,
    ) -> Result<Vec<(Segment, PathBuf)>, RecordError> {
        let listed = || -> io::Result<Vec<_>> {
            let mut found = Vec::new();
            for entry in fs::read_dir(self.folder.path())? {
                let entry = entry?;
                let segment = entry.file_name().to_str().and_then(&segment);
                found.extend(segment.map(|segment| (segment, entry.path())));
            }
            found.sort();
            Ok(found)
        };
        listed().map_err(RecordError::Room)
    }
}
