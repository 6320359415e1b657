//! Name servers whose answers a test decides.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{Dns, Unanswered};

/// What name servers would say. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct DnsWorld(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    texts: HashMap<String, Vec<String>>,
    away: bool,
    asked: Vec<String>,
}

impl DnsWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this name has these texts and no others.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.state().texts.insert(name.to_owned(), texts);
    }

    /// Takes the name servers away, or brings them back.
    pub fn set_away(&self, away: bool) {
        self.state().away = away;
    }

    /// The names that were asked for, in that order.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }
}

#[async_trait]
impl Dns for DnsWorld {
    async fn texts(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        let mut state = self.state();
        state.asked.push(name.to_owned());
        if state.away {
            return Err(Unanswered::Late);
        }
        Ok(state.texts.get(name).cloned().unwrap_or_default())
    }
}
