//! A gateway, put together: every part is given what it works with here, and looks into nothing else.

use std::{
    fmt,
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use common::{
    bus::Bus,
    database::Statements,
    public_address::PublicAddress,
    secrets::Followers,
    service::{Readiness, Tasks},
    version::Version,
};
use edge::EdgeToken;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{
    admission::Admission,
    audit::AuditLog,
    auth::{Keys, Scope, SignatureRules, TokenKeys},
    config::Config,
    events::Events,
    health::Health,
    http::{cors::Origins, observe::Observer},
    idempotency::Repeats,
    log_followers::LogFollowers,
    metrics,
    offer::Offers,
    pressure::Pressure,
    rates::{Rates, RedisLogin},
    store::reader::{Reader, Readers},
};

/// One gateway: what its routes work with. Any number of them work on the same record.
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
    pub tokens: Arc<ArcSwap<TokenKeys>>,
    pub keys: Keys,
    pub signatures: Arc<ArcSwap<SignatureRules>>,
    pub public: PublicAddress,
    pub origins: Origins,
    pub edge_token: EdgeToken,
    pub n8n_version: Version,
    pub observer: Observer,
    pub events: Arc<Events>,
    pub log_followers: LogFollowers,
    pub pressure: Arc<Pressure>,
    pub rates: Rates,
    /// Where backups are kept; `None`: nowhere.
    pub backup_bucket: Option<String>,
    pub repeats: Repeats,
    /// How long a sandbox is there.
    pub sandbox_time: Duration,
    /// Wakes whoever sends dead letters again.
    pub replays: Arc<Notify>,
    /// Renders the metrics of this process.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub health: Health,
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
    /// Tells when what requests are checked with has changed.
    pub secrets: Followers,
}

impl App {
    /// A gateway in this process.
    pub fn new(config: Config, given: Dependencies) -> Self {
        metrics::describe();
        let Dependencies { database, bus, tasks, readiness, render_metrics, secrets } = given;
        let statements = Statements::beside(&database);
        let readers = Readers::new(&database, statements.clone());
        let rates = Rates::start(config.rates, &tasks);
        let audit_log = AuditLog::start(&tasks, database.clone());
        let record = (database.clone(), statements.clone());
        let app = Self(Arc::new(Parts {
            observer: Observer::new(Admission::new(readiness), rates.clone(), audit_log),
            events: Events::new(config.event_clients, record, readers.clone(), bus.clone(), tasks.clone()),
            health: Health::new(statements.clone(), bus.clone(), rates.clone(), secrets.clone()),
            pressure: Arc::new(Pressure::new(config.backlog_high)),
            log_followers: LogFollowers::default(),
            offers: Offers::default(),
            replays: Arc::default(),
            repeats: Repeats::default(),
            tokens: Arc::new(ArcSwap::from_pointee(config.tokens)),
            keys: Keys::start(statements.clone(), database.clone(), &tasks),
            signatures: Arc::new(ArcSwap::from_pointee(config.signatures)),
            public: config.public,
            origins: config.origins,
            edge_token: config.edge_token,
            n8n_version: config.n8n_version,
            backup_bucket: config.backup_bucket,
            sandbox_time: Duration::from_secs(u64::from(config.sandbox_hours.get()) * 60 * 60),
            database,
            statements,
            readers,
            bus,
            tasks,
            rates,
            render_metrics,
            started: Instant::now(),
        }));
        app.follow(&secrets);
        app
    }

    /// Goes by other secrets from the moment that they are known. Whoever tells of them is part of this, so they may not keep it whole.
    fn follow(&self, secrets: &Followers) {
        let (tokens, signatures, rates) = (self.tokens.clone(), self.signatures.clone(), self.rates.clone());
        secrets.follow(move |keys: TokenKeys| tokens.store(Arc::new(keys)));
        secrets.follow(move |rules: SignatureRules| signatures.store(Arc::new(rules)));
        secrets.follow(move |login: RedisLogin| rates.put_login(login));
    }

    /// Who asks the record on behalf of somebody with this scope.
    pub fn reader(&self, scope: &Scope) -> Reader<'_> {
        self.readers.of(scope)
    }

    /// The same about what was found to be a copy of theirs.
    pub fn reader_beside(&self, scope: &Scope) -> Reader<'_> {
        self.readers.beside(scope)
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
