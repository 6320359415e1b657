//! What outlives the process: the last routes that were followed, and a person's word on what was refused.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::PathBuf,
};

use edge::Snapshot;

const ROUTES: &str = "routes.json";
const ACCEPTED: &str = "accepted";

/// A folder of the relay's own.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
}

/// What is remembered cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("the folder {0} cannot be used")]
    Folder(PathBuf, #[source] io::Error),
    /// It was written whole or not at all, so this is not what we wrote.
    #[error("the remembered routes do not read; remove {0} to begin without")]
    Garbled(PathBuf, #[source] serde_json::Error),
}

impl Memory {
    /// In this folder, which is made if it is not there.
    pub fn at(folder: PathBuf) -> Result<Self, MemoryError> {
        fs::create_dir_all(&folder).map_err(|error| MemoryError::Folder(folder.clone(), error))?;
        Ok(Self { folder })
    }

    /// The routes that were kept last.
    pub fn recall(&self) -> Result<Option<Snapshot>, MemoryError> {
        let path = self.folder.join(ROUTES);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| MemoryError::Garbled(path, e)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(error)),
        }
    }

    /// Keeps these routes instead. After a crash at any moment either the former or these are there.
    pub fn keep(&self, snapshot: &Snapshot) -> Result<(), MemoryError> {
        let bytes = serde_json::to_vec(snapshot).map_err(io::Error::from);
        bytes.and_then(|bytes| self.replace(ROUTES, &bytes)).map_err(|error| self.unusable(error))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.folder.join(format!("{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()
    }

    /// A person says: what is refused now is right.
    pub fn accept(&self) -> Result<(), MemoryError> {
        self.replace(ACCEPTED, b"").map_err(|error| self.unusable(error))
    }

    /// Whether a person has said so since the last time this was asked. Their word is good once.
    pub fn take_acceptance(&self) -> bool {
        fs::remove_file(self.folder.join(ACCEPTED)).is_ok()
    }

    fn unusable(&self, error: io::Error) -> MemoryError {
        MemoryError::Folder(self.folder.clone(), error)
    }
}

#[cfg(test)]
mod tests {
    use common::id::RecordId;
    use uuid::Uuid;

    use super::*;

    fn memory() -> Memory {
        Memory::at(std::env::temp_dir().join(format!("rp9-memory-{}", Uuid::now_v7()))).unwrap()
    }

    #[test]
    fn the_last_routes_are_recalled_and_a_half_written_file_is_not() {
        let memory = memory();
        assert_eq!(memory.recall().unwrap(), None);
        for id in [1, 2] {
            let snapshot = Snapshot { record: RecordId::from_uuid(Uuid::from_u128(id)), routes: Vec::new() };
            memory.keep(&snapshot).unwrap();
            fs::write(memory.folder.join("routes.json.part"), b"{\"rec").unwrap();
            assert_eq!(memory.recall().unwrap(), Some(snapshot));
        }
        fs::write(memory.folder.join(ROUTES), b"{").unwrap();
        assert!(matches!(memory.recall(), Err(MemoryError::Garbled(..))));
        fs::remove_dir_all(memory.folder).unwrap();
    }

    #[test]
    fn a_persons_word_is_good_once() {
        let memory = memory();
        assert!(!memory.take_acceptance());
        memory.accept().unwrap();
        assert!(memory.take_acceptance() && !memory.take_acceptance());
        fs::remove_dir_all(memory.folder).unwrap();
    }
}
