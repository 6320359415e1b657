//! What handlers work with.

use std::{fmt, ops::Deref, sync::Arc, time::Instant};

use common::{
    bus::Bus,
    database::Statements,
    public_address::PublicAddress,
    service::{Readiness, Tasks},
    version::Version,
};
use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::{
    admission::Admission,
    audit::Trail,
    auth::{Scope, SignatureRules, TokenKeys},
    cached::Cached,
    config::{Config, EdgeConfig},
    events::Hub,
    health::Report,
    http::cors::Origins,
    metrics,
    offer::Offers,
    pressure::Pressure,
    rates::Rates,
    routes::LOG_FOLLOWERS,
    store::reader::{Reader, Readers},
};

/// One gateway. Any number of them work on the same record.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    /// For transactions, and for what nobody waits for.
    pub database: PgPool,
    /// For what is asked on behalf of a caller.
    pub statements: Statements,
    readers: Readers,
    pub bus: Bus,
    pub tasks: Tasks,
    pub tokens: TokenKeys,
    pub signatures: SignatureRules,
    pub public: PublicAddress,
    pub origins: Origins,
    pub edge: EdgeConfig,
    pub n8n_version: Version,
    pub trail: Trail,
    pub admission: Admission,
    pub events: Hub,
    /// Places for those who follow logs.
    pub log_followers: Arc<Semaphore>,
    pub pressure: Pressure,
    /// `None`: nobody is limited.
    pub rates: Option<Arc<Rates>>,
    /// Wakes whoever sends dead letters again.
    pub replays: Notify,
    /// Renders the metrics of this process.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub health: Cached<Report>,
    /// What there is to choose from.
    pub offers: Offers,
    pub started: Instant,
}

/// What a gateway is given by the process it runs in.
pub struct Dependencies {
    pub database: PgPool,
    pub bus: Bus,
    pub tasks: Tasks,
    pub readiness: Readiness,
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl App {
    /// A gateway in this process.
    pub fn new(config: Config, dependencies: Dependencies) -> Self {
        metrics::describe();
        let statements = Statements::beside(&dependencies.database);
        Self(Arc::new(Parts {
            trail: Trail::start(&dependencies.tasks, dependencies.database.clone()),
            rates: config.rates.map(|rates| Rates::start(rates, &dependencies.tasks)),
            readers: Readers::new(&dependencies.database, statements.clone()),
            statements,
            database: dependencies.database,
            bus: dependencies.bus,
            tasks: dependencies.tasks,
            events: Hub::new(config.event_clients),
            log_followers: Arc::new(Semaphore::new(LOG_FOLLOWERS)),
            replays: Notify::new(),
            pressure: Pressure::new(config.backlog_high),
            admission: Admission::new(dependencies.readiness),
            render_metrics: dependencies.render_metrics,
            tokens: config.tokens,
            signatures: config.signatures,
            public: config.public,
            origins: config.origins,
            edge: config.edge,
            n8n_version: config.n8n_version,
            health: Cached::default(),
            offers: Offers::default(),
            started: Instant::now(),
        }))
    }

    /// Who asks the record on behalf of somebody with this scope.
    pub fn reader(&self, scope: &Scope) -> Reader<'_> {
        self.readers.of(scope)
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
