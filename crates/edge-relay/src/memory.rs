//! What is on disk: the last routes that were followed, and which certificates were ordered when, both of which outlive the process; and
//! what is refused now, for a person to read and to give their word on.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::PathBuf,
};

use edge::{Snapshot, guard::Refusal};
use serde::{Serialize, de::DeserializeOwned};

use crate::ordered::Past;

const ROUTES: &str = "routes.json";
const REFUSED: &str = "refused.json";
const ACCEPTED: &str = "accepted.json";
const ORDERED: &str = "ordered.json";

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
    #[error("what is remembered does not read; remove {0} to begin without")]
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
        self.read(ROUTES)
    }

    /// Keeps these routes instead. After a crash at any moment either the former or these are there.
    pub fn keep(&self, snapshot: &Snapshot) -> Result<(), MemoryError> {
        self.write(ROUTES, snapshot)
    }

    /// What is refused, as the relay that runs told it last.
    pub fn refused(&self) -> Result<Option<Refusal>, MemoryError> {
        self.read(REFUSED)
    }

    /// This is refused from now on.
    pub fn tell_refused(&self, refusal: Refusal) -> Result<(), MemoryError> {
        self.write(REFUSED, &refusal)
    }

    /// Nothing is refused any more.
    pub fn tell_followed(&self) -> Result<(), MemoryError> {
        self.remove(REFUSED).map(drop)
    }

    /// A person says: what is refused like this is right.
    pub fn accept(&self, refusal: Refusal) -> Result<(), MemoryError> {
        self.write(ACCEPTED, &refusal)
    }

    /// What a person said is right, until their word is taken.
    pub fn accepted(&self) -> Result<Option<Refusal>, MemoryError> {
        self.read(ACCEPTED)
    }

    /// Their word is good once, and only while what they gave it on is refused. Says whether there was one.
    pub fn take_word(&self) -> Result<bool, MemoryError> {
        self.remove(ACCEPTED)
    }

    /// Which certificates were ordered when.
    pub fn ordered(&self) -> Result<Past, MemoryError> {
        Ok(self.read(ORDERED)?.unwrap_or_default())
    }

    /// These were.
    pub fn tell_ordered(&self, past: &Past) -> Result<(), MemoryError> {
        self.write(ORDERED, past)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, MemoryError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| MemoryError::Garbled(path, e)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(error)),
        }
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), MemoryError> {
        let bytes = serde_json::to_vec(value).map_err(io::Error::from);
        bytes.and_then(|bytes| self.replace(name, &bytes)).map_err(|error| self.unusable(error))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.folder.join(format!("{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()
    }

    fn remove(&self, name: &str) -> Result<bool, MemoryError> {
        match fs::remove_file(self.folder.join(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.unusable(error)),
        }
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
            let snapshot = Snapshot {
                record: RecordId::from_uuid(Uuid::from_u128(id)),
                routes: Vec::new(),
                left: Vec::new(),
            };
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
        let (memory, refusal) = (memory(), Refusal::Shrunk { lost: 40, of: 40 });
        assert!(!memory.take_word().unwrap());
        memory.accept(refusal).unwrap();
        assert_eq!(memory.accepted().unwrap(), Some(refusal));
        assert!(memory.take_word().unwrap() && !memory.take_word().unwrap());
        assert_eq!(memory.accepted().unwrap(), None);
        fs::remove_dir_all(memory.folder).unwrap();
    }
}
