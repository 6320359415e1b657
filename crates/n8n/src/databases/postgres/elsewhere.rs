//! The databases of n8ns that somebody else runs. What is done to one of them is done where its operator says; what makes and removes databases
//! and roles never gets there.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::{AdminUrlError, Name, options};

/// By the name that the platform has for them. Clones are the same ones.
#[derive(Clone, Default)]
pub(super) struct Elsewhere(Arc<ArcSwap<HashMap<Name, Place>>>);

#[derive(Clone)]
struct Place {
    url: SecretString,
    options: PgConnectOptions,
}

impl Elsewhere {
    /// Says whether that is another place than before.
    pub(super) fn put(&self, name: &Name, url: &SecretString) -> Result<bool, AdminUrlError> {
        let known = self.0.load();
        let is_same = |place: &Place| place.url.expose_secret() == url.expose_secret();
        if known.get(name).is_some_and(is_same) {
            return Ok(false);
        }
        let place = Place { url: url.clone(), options: options(url.expose_secret())? };
        self.0.rcu(|places| {
            let mut places = HashMap::clone(places);
            places.insert(*name, place.clone());
            places
        });
        Ok(true)
    }

    /// How that database is entered; `None` for one on the platform's own server.
    pub(super) fn find(&self, name: &Name) -> Option<PgConnectOptions> {
        self.0.load().get(name).map(|place| place.options.clone())
    }
}
