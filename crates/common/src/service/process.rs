//! How a process lives and ends, whatever it does: configuration, telemetry, the operators' port, signals, exit code.

use std::{collections::BTreeSet, net::SocketAddr, process::ExitCode, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Latch, Readiness, Tasks, health, metrics, ops};
use crate::{
    config::{Env, Section},
    secrets::{BackendConfig, Followers, Source},
    telemetry::{Telemetry, TelemetryConfig},
};

/// What every process is told.
struct Skeleton {
    telemetry: TelemetryConfig,
    ops_bind: SocketAddr,
    drain_delay: Duration,
    stop_deadline: Duration,
}

impl Section for Skeleton {
    fn read(env: &mut Env) -> Option<Self> {
        let telemetry = TelemetryConfig::read(env);
        let ops_bind = env.or("OPS_BIND", SocketAddr::from(([0, 0, 0, 0], 9090)));
        let drain_delay = env.or("DRAIN_DELAY_SECONDS", 1);
        let stop_deadline = env.or("STOP_DEADLINE_SECONDS", 10);
        Some(Self {
            telemetry: telemetry?,
            ops_bind: ops_bind?,
            drain_delay: Duration::from_secs(drain_delay?),
            stop_deadline: Duration::from_secs(stop_deadline?),
        })
    }
}

/// What a process needs to be there at all, and to get its secrets.
struct Beginning(Skeleton, BackendConfig);

impl Section for Beginning {
    fn read(env: &mut Env) -> Option<Self> {
        let (skeleton, backend) = (Skeleton::read(env), BackendConfig::read(env));
        Some(Self(skeleton?, backend?))
    }
}

/// That and the process's own configuration, read together so that all problems show at once.
struct Whole<C>(C);

impl<C: Section> Section for Whole<C> {
    fn read(env: &mut Env) -> Option<Self> {
        let (beginning, own) = (Beginning::read(env), C::read(env));
        beginning.and(own).map(Self)
    }
}

/// The names of all that a process with this configuration reads, for whoever checks that people can find them.
pub fn names_read<C: Section>(mut env: Env) -> BTreeSet<String> {
    Whole::<C>::read(&mut env);
    env.asked().clone()
}

/// What a process is given to start with.
pub struct Process {
    /// Work that stopping waits for.
    pub tasks: Tasks,
    /// What must be usable before this process says it is ready.
    pub readiness: Readiness,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// What is shown beside them.
    pub(super) also_shown: ops::AlsoShown,
    /// Who goes on with other secrets when they have changed.
    pub secrets: Followers,
}

/// Runs a process that needs neither record nor transport until it is told to stop. `name healthcheck` asks a running one
/// whether it is ready.
pub async fn run<C: Section + Send + 'static>(
    name: &'static str,
    start: impl AsyncFnOnce(C, &Process) -> anyhow::Result<()>,
) -> ExitCode {
    if command().as_deref() == Some("healthcheck") {
        return health::check().await;
    }
    exit(name, live(name, start).await)
}

/// What the process is to do instead of its usual work.
pub(super) fn command() -> Option<String> {
    std::env::args().nth(1)
}

/// How a process ends.
pub(super) fn exit(name: &'static str, ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Telemetry may not exist yet, and an operator needs to see this in any case.
            eprintln!(
                "{}",
                serde_json::json!({ "level": "error", "service": name, "msg": format!("{error:#}") })
            );
            ExitCode::FAILURE
        }
    }
}

/// What encrypts connections.
pub(super) fn install_tls() {
    // Fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

async fn live<C: Section + Send + 'static>(
    name: &'static str,
    start: impl AsyncFnOnce(C, &Process) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    install_tls();
    let env = Env::of_process();
    env.clone().check_before_backend::<Whole<C>>()?;
    let Beginning(skeleton, backend) = env.clone().load()?;
    let telemetry = Telemetry::install(name, &skeleton.telemetry)?;
    let process = Process {
        tasks: Tasks::default(),
        readiness: Readiness::default(),
        metrics: telemetry.metrics.clone(),
        also_shown: ops::AlsoShown::default(),
        secrets: Followers::default(),
    };
    let source = Source::new(env, backend, name)?;
    metrics::describe();
    let mut signals = Signals::listen()?;
    let started = process.readiness.latch("start");
    let (readiness, metrics) = (process.readiness.clone(), process.metrics.clone());
    ops::serve(skeleton.ops_bind, &process.tasks, readiness, metrics, process.also_shown.clone()).await?;
    tokio::select! {
        ran = start_and_wait(start_with_secrets(source, start, &process), started) => ran?,
        () = signals.told_to_stop(&process.tasks) => {}
    }
    process.readiness.withdraw();
    drain(&mut signals, &process.tasks, skeleton.drain_delay).await;
    tracing::info!("stopping");
    if process.tasks.finish(skeleton.stop_deadline).await.is_err() {
        tracing::warn!(
            "some work did not finish in time; its lease will end and another worker will take it up"
        );
    }
    tokio::task::spawn_blocking(move || telemetry.flush()).await?;
    Ok(())
}

/// Starts it once there are secrets, and follows them from then on.
async fn start_with_secrets<C: Section + Send + 'static>(
    mut source: Source,
    start: impl AsyncFnOnce(C, &Process) -> anyhow::Result<()>,
    process: &Process,
) -> anyhow::Result<()> {
    let latch = process.readiness.latch("secrets");
    let (Whole(own), secrets) = source.wait(&latch).await.load_with_secrets::<Whole<C>>()?;
    latch.release();
    source.follow::<Whole<C>>(secrets, process.secrets.clone(), &process.tasks);
    start(own, process).await
}

/// Returns only if the process cannot start.
async fn start_and_wait(
    start: impl Future<Output = anyhow::Result<()>>,
    started: Latch,
) -> anyhow::Result<()> {
    start.await?;
    started.release();
    tracing::info!("started");
    std::future::pending().await
}

/// Whoever sends us work needs a moment to hear that we are not ready; until then everything is done as before. Told to stop once
/// more, nobody waits, and neither does a process that is broken.
async fn drain(signals: &mut Signals, tasks: &Tasks, delay: Duration) {
    tracing::info!(delay_seconds = delay.as_secs(), "not ready any more");
    // Either way it is over.
    let _ = tokio::time::timeout(delay, signals.told_to_stop(tasks)).await;
}

/// What tells a process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// None is missed from here on.
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns with the next of them, or when a task that the process needs is broken.
    async fn told_to_stop(&mut self, tasks: &Tasks) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = tasks.broken() => {}
        }
    }
}
