//! A store in memory, whose answers a test decides.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::{Key, Listed, ObjectError, Objects, Stored, Stream, Unfinished};

/// Cheap to clone; clones are the same store, each as somebody reaches it.
#[derive(Clone, Default)]
pub struct FakeObjects {
    state: Arc<Mutex<State>>,
    actor: String,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Vec<u8>>,
    unfinished: Vec<Unfinished>,
    away: bool,
    /// Who changed something, as often as they did.
    ledger: Vec<String>,
}

impl FakeObjects {
    /// The same store, as this one reaches it.
    pub fn actor(&self, actor: &str) -> Self {
        Self { state: self.state.clone(), actor: actor.to_owned() }
    }

    /// How often this one changed something.
    pub fn effects(&self, actor: &str) -> usize {
        self.state().ledger.iter().filter(|entry| *entry == actor).count()
    }

    /// Whether it answers.
    pub fn set_away(&self, away: bool) {
        self.state().away = away;
    }

    /// Every object there is.
    pub fn keys(&self) -> Vec<Key> {
        self.state().objects.keys().cloned().collect()
    }

    /// Changes what it holds under this key, behind everybody's back. `None`: it is gone.
    pub fn damage(&self, key: &Key, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) {
        let mut state = self.state();
        if let Some(changed) = state.objects.remove(key).and_then(change) {
            state.objects.insert(key.clone(), changed);
        }
    }

    /// Leaves an upload behind that nobody finishes.
    pub fn leave_unfinished(&self, upload: Unfinished) {
        self.state().unfinished.push(upload);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> Result<std::sync::MutexGuard<'_, State>, ObjectError> {
        let mut state = self.there()?;
        state.ledger.push(self.actor.clone());
        Ok(state)
    }

    fn there(&self) -> Result<std::sync::MutexGuard<'_, State>, ObjectError> {
        let state = self.state();
        if state.away { Err(ObjectError::Unavailable("it is told to be away".into())) } else { Ok(state) }
    }
}

#[async_trait]
impl Objects for FakeObjects {
    fn address(&self, key: &Key) -> String {
        format!("s3://fake/{key}")
    }

    async fn ensure_bucket(&self) -> Result<(), ObjectError> {
        self.there().map(drop)
    }

    async fn put(&self, key: &Key, mut source: Stream) -> Result<Stored, ObjectError> {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).await.map_err(ObjectError::Source)?;
        let stored = Stored { bytes: bytes.len() as u64, sha256: hex::encode(Sha256::digest(&bytes)) };
        self.changed()?.objects.insert(key.clone(), bytes);
        Ok(stored)
    }

    async fn get(&self, key: &Key) -> Result<Stream, ObjectError> {
        let found = self.there()?.objects.get(key).cloned();
        let bytes = found.ok_or_else(|| ObjectError::NotFound(key.clone()))?;
        Ok(Box::pin(io::Cursor::new(bytes)))
    }

    async fn list(&self, below: &Key) -> Result<Vec<Listed>, ObjectError> {
        let (state, prefix) = (self.there()?, below.prefix());
        let listed = state.objects.iter().filter(|(key, _)| key.as_str().starts_with(&prefix));
        Ok(listed.map(|(key, bytes)| Listed { key: key.clone(), bytes: bytes.len() as u64 }).collect())
    }

    async fn remove(&self, keys: &[Key]) -> Result<(), ObjectError> {
        let mut state = self.changed()?;
        state.objects.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    async fn unfinished(&self, below: &Key) -> Result<Vec<Unfinished>, ObjectError> {
        let (state, prefix) = (self.there()?, below.prefix());
        Ok(state
            .unfinished
            .iter()
            .filter(|upload| upload.key.as_str().starts_with(&prefix))
            .cloned()
            .collect())
    }

    async fn abandon(&self, upload: &Unfinished) -> Result<(), ObjectError> {
        self.changed()?.unfinished.retain(|kept| kept.id != upload.id);
        Ok(())
    }
}
