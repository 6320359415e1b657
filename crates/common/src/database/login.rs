//! Another login to the same record, while the process runs.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use sqlx::{PgPool, postgres::PgConnectOptions};

use super::{DatabaseConfig, options};

/// What a pool connects with from now on, and every [`super::Statements`] beside it.
pub struct Login {
    pool: PgPool,
    begun_with: Arc<ArcSwap<PgConnectOptions>>,
    service: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the options, which know a password.
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

impl Login {
    pub(super) fn new(pool: PgPool, begun_with: Arc<ArcSwap<PgConnectOptions>>, service: &str) -> Self {
        Self { pool, begun_with, service: service.to_owned() }
    }

    /// Connections that are open stay as they are: the server let them in, and they are replaced within half an hour.
    pub fn put(&self, config: &DatabaseConfig) {
        match options(config, &self.service) {
            Ok(options) => {
                self.begun_with.store(Arc::new(options.clone()));
                self.pool.set_connect_options(options);
            }
            Err(error) => tracing::error!(%error, "the login to the record stays what it was"),
        }
    }
}
