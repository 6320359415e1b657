//! The provisioner's loop on fakes, in the same skeleton and with the same wake-up as the real one.

use std::sync::Arc;

use common::{
    config::{Env, Section},
    operations::{Drive, Gate, Store, Wake, Worker},
    secrets::MasterKeys,
    service::Service,
};
use provisioner::{Site, World, intake};
use wire::PROVISIONER;

use crate::{no_effects::NoEffects, world};

/// What the worker is told.
pub struct Config {
    site: Site,
    keys: MasterKeys,
    /// Whether the real sagas run, or one without effects.
    effects: bool,
    operations: usize,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (site, keys) = (Site::read(env), MasterKeys::read(env));
        let effects = env.switch("BENCH_EFFECTS", true);
        let operations = env.or("OPERATIONS_AT_ONCE", 8);
        Some(Self { site: site?, keys: keys?, effects: effects?, operations: operations? })
    }
}

/// Starts the worker.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    let (pool, tasks, wake) = (service.database.clone(), &service.tasks, Wake::default());
    let sagas: Arc<[Box<dyn Drive<World>>]> =
        if config.effects { provisioner::sagas() } else { Arc::new([Box::new(NoEffects)]) };
    let world = Arc::new(world::fakes(&pool, config.site, config.keys)?);
    let store = Store::new(pool, "bench-worker");
    Worker { store, world, sagas, wake: wake.clone(), gate: Gate::default(), limit: config.operations }
        .spawn(tasks);
    service.consume(PROVISIONER, intake::commands(service.database.clone(), move || wake.now()));
    Ok(())
}
