//! What handlers work with.

use std::{fmt, ops::Deref, sync::Arc, time::Instant};

use common::{bus::Bus, service::Tasks};
use sqlx::PgPool;

use crate::{
    audit::Trail,
    auth::{SignatureRules, TokenKeys},
    cached::Cached,
    config::{Config, EdgeConfig, PublicAddress, Version},
    health::Report,
    metrics,
};

/// Renders the metrics of this process.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// One gateway. Any number of them work on the same record.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    pub database: PgPool,
    pub bus: Bus,
    pub tasks: Tasks,
    pub tokens: TokenKeys,
    pub signatures: SignatureRules,
    pub public: PublicAddress,
    pub edge: EdgeConfig,
    pub n8n_version: Version,
    pub trail: Trail,
    pub render_metrics: RenderMetrics,
    pub health: Cached<Report>,
    pub plans: Cached<Vec<String>>,
    pub started: Instant,
}

impl App {
    /// A gateway with these dependencies. Its own chores start with it.
    pub fn new(
        config: Config,
        database: PgPool,
        bus: Bus,
        tasks: Tasks,
        render_metrics: RenderMetrics,
    ) -> Self {
        metrics::describe();
        let trail = Trail::start(&tasks, database.clone());
        Self(Arc::new(Parts {
            database,
            bus,
            tasks,
            tokens: config.tokens,
            signatures: config.signatures,
            public: config.public,
            edge: config.edge,
            n8n_version: config.n8n_version,
            trail,
            render_metrics,
            health: Cached::default(),
            plans: Cached::default(),
            started: Instant::now(),
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
