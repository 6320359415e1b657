//! Whoever goes on with another secret without a new process.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::config::{Env, Section};

/// Who is told when secrets have changed.
#[derive(Clone, Default)]
pub struct Followers(Arc<Mutex<State>>);

/// Is told the configuration anew, and answers with the names of the secrets that it goes by.
type Follower = dyn FnMut(&Env) -> BTreeSet<String> + Send;

#[derive(Default)]
struct State {
    followers: Vec<Box<Follower>>,
    /// What was told last, for whoever comes later.
    told: Option<Env>,
    /// Whether the last time that secrets were read again it worked; `None`: there is no backend that could be away.
    fresh: Option<bool>,
}

impl Followers {
    /// Calls `put` with this part of the configuration whenever secrets have changed. It must be quick.
    pub fn follow<T: Section>(&self, mut put: impl FnMut(T) + Send + 'static) {
        let mut follower = move |env: &Env| {
            // All of the configuration was read before, without a problem.
            env.clone().load_with_secrets::<T>().map_or(BTreeSet::new(), |(part, secrets)| {
                put(part);
                secrets.names()
            })
        };
        let mut state = self.state();
        if let Some(env) = &state.told {
            follower(env);
        }
        state.followers.push(Box::new(follower));
    }

    /// Whether what is in use is what the backend has. `None` without a backend.
    pub fn are_fresh(&self) -> Option<bool> {
        self.state().fresh
    }

    pub(super) fn note_fresh(&self, fresh: Option<bool>) {
        self.state().fresh = fresh;
    }

    /// Tells all of them that their secrets are here now, and returns the names of those that they go by.
    pub fn tell(&self, env: Env) -> BTreeSet<String> {
        let mut state = self.state();
        let names = state.followers.iter_mut().flat_map(|follower| follower(&env)).collect();
        state.told = Some(env);
        names
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
