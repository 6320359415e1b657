#![doc = include_str!("../README.md")]

mod backed_up;
mod begin;
mod beside;
mod blue_green;
mod blueprint;
mod callers;
mod config;
mod create;
mod delete;
mod domains;
mod engine_trust;
mod external;
mod failover;
mod halt;
mod heal;
pub mod heartbeat;
mod home;
mod inside;
pub mod intake;
mod loaded;
mod master_keys;
mod passwords;
mod promote;
pub mod questions;
mod rebuild;
mod reconcile;
mod reroute;
mod restart;
mod restore;
mod resume;
mod retire;
mod role;
mod rollback;
mod rollouts;
mod sandboxes;
mod scale;
mod step;
mod store;
mod suspend;
mod trial;
mod upgrade;
pub mod usage;
mod wait;
mod workspace;
mod world;

use std::sync::Arc;

use common::{
    operations::{Drive, Worker},
    service::Service,
};
use wire::{PROVISIONER, waking};

pub use blue_green::BlueGreenTenant;
pub use callers::{Callers, Told};
pub use config::{Config, ExternalSettings, OptionalExternal, Site};
pub use create::CreateTenant;
pub use delete::{DeleteTenant, leftovers};
pub use domains::Domains;
pub use engine_trust::{EngineTrust, TakeOver};
pub use external::{External, ExternalN8n};
pub use failover::FailoverTenant;
pub use heal::HealTenant;
pub use master_keys::{KeysError, Rotated, check as check_master_keys, rotate as rotate_master_key};
pub use promote::PromoteTenant;
pub use rebuild::RebuildTenant;
pub use reconcile::{Reconciler, Report};
pub use reroute::RerouteTenant;
pub use restart::RestartTenant;
pub use restore::{Clearing, RestoreTenant};
pub use resume::ResumeTenant;
pub use retire::{RetireTenant, Retiring};
pub use rollback::RollbackTenant;
pub use rollouts::Rollouts;
pub use sandboxes::Sandboxes;
pub use scale::ScaleTenant;
pub use suspend::SuspendTenant;
pub use upgrade::UpgradeTenant;
pub use world::{Metering, Uncounted, World};

/// Every saga this service drives. What is not in here cannot run, and the tests walk this list.
pub fn sagas() -> Arc<[Box<dyn Drive<World>>]> {
    Arc::new([
        Box::new(CreateTenant),
        Box::new(DeleteTenant),
        Box::new(HealTenant),
        Box::new(RestartTenant),
        Box::new(SuspendTenant),
        Box::new(ResumeTenant),
        Box::new(ScaleTenant),
        Box::new(RerouteTenant),
        Box::new(RestoreTenant),
        Box::new(RebuildTenant),
        Box::new(UpgradeTenant),
        Box::new(PromoteTenant),
        Box::new(RollbackTenant),
        Box::new(FailoverTenant),
        Box::new(RetireTenant),
        Box::new(BlueGreenTenant),
    ])
}

/// Starts the provisioner.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    let pool = service.database.clone();
    let world = Arc::new(World::connect(&config, &service.secrets, service.bus.clone())?);
    service.record_is_usable().await;
    master_keys::follow(service, world.keys.clone()).await;
    let wake = waking(service);
    let engine_trust = EngineTrust::new(service.readiness.clone(), config.take_over);

    let store = service.operations();
    let store = store.of_cluster(config.site.cluster.as_str()).with_at_most(config.cluster_operations);
    let (sagas, gate, limit) = (sagas(), engine_trust.gate(), config.operations);
    service.drive(Worker { store, world: world.clone(), sagas, wake: wake.clone(), gate, limit });

    let woken = wake.clone();
    service.consume(PROVISIONER, intake::commands(pool.clone(), move || woken.now()));
    delete::describe();
    questions::answer(service, &world, config.site.cluster.as_str());
    usage::spawn(service, world.clone());
    ExternalN8n::new(pool.clone(), world.clone()).spawn(service);
    let servers = Arc::new(dns::Resolver::new(&config.name_servers)?);
    Domains::new(pool.clone(), servers, &config.site, wake.clone()).spawn(&service.tasks);
    Clearing::new(pool.clone(), world.clone()).spawn(&service.tasks);
    Sandboxes::new(pool.clone(), &config.site, wake.clone()).spawn(&service.tasks);
    Retiring::new(pool.clone(), world.clone(), wake.clone()).spawn(&service.tasks);
    Rollouts::new(pool.clone(), wake.clone()).spawn(&service.tasks);
    Callers::new(pool.clone(), &config.site).spawn(&service.tasks);
    heartbeat::spawn(service, world.clone(), config.site.clone(), engine_trust.clone());
    Reconciler::new(pool, world, wake, engine_trust).spawn(&service.tasks);
    Ok(())
}
