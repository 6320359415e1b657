//! `storm worker`: the provisioner's loop in the skeleton of a real service, acting on the storm's world.

mod cheap_owner;
mod containers;
mod databases;
mod edge;
mod fenced;
mod queues;
mod remote;

use std::{sync::Arc, time::Duration};

use common::{
    config::{Env, Section},
    operations::{Gate, Store, Wake, Worker},
    secrets::MasterKeys,
    service::Service,
};
use n8n::{account::HashCost, copies::PostgresMoves, databases::PostgresDatabases, members::PostgresMembers};
use provisioner::{Site, Uncounted, World, intake};

use wire::PROVISIONER;

use edge::TableEdge;
use remote::Remote;

/// What the worker is told.
pub struct Config {
    site: Site,
    keys: MasterKeys,
    operations: usize,
    /// Where the world answers.
    world: String,
    /// Shorter than in production, so that a storm sees many of them end.
    lease: Duration,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (site, keys) = (Site::read(env), MasterKeys::read(env));
        let operations = env.or("OPERATIONS_AT_ONCE", 8);
        let (world, lease) = (env.required("STORM_WORLD"), env.required("STORM_LEASE_MS"));
        Some(Self {
            site: site?,
            keys: keys?,
            operations: operations?,
            world: world?,
            lease: Duration::from_millis(lease?),
        })
    }
}

/// Starts the worker.
pub async fn start(config: Config, service: &Service) -> anyhow::Result<()> {
    let (pool, tasks, wake) = (service.database.clone(), &service.tasks, Wake::default());
    let remote = Remote::new(&config.world)?;
    let owner = format!("storm-worker/{}", uuid::Uuid::now_v7());
    let world = Arc::new(World {
        containers: Arc::new(remote.clone()),
        databases: Arc::new(remote.clone()),
        queues: Arc::new(remote.clone()),
        // Nobody in a storm shares an n8n.
        moves: Arc::new(PostgresMoves::new(PostgresDatabases::new("postgres://127.0.0.1:1/none")?)),
        members: Arc::new(PostgresMembers::new(PostgresDatabases::new("postgres://127.0.0.1:1/none")?)?),
        inner: "http://127.0.0.1:1".parse()?,
        external: Arc::default(),
        metering: Arc::new(Uncounted),
        password_cost: HashCost::N8N,
        edge: Arc::new(TableEdge(pool.clone())),
        keys: config.keys,
        site: config.site,
    });
    let store = Store::new(pool, owner.clone()).with_lease(config.lease);
    let (sagas, gate) = (fenced::sagas(&owner), Gate::default());
    Worker { store, world, sagas, wake: wake.clone(), gate, limit: config.operations }.spawn(tasks);

    let telling = tasks.clone();
    let woken = move || {
        wake.now();
        let remote = remote.clone();
        telling.spawn("woken", async move { remote.woken().await });
    };
    service.consume(PROVISIONER, intake::commands(service.database.clone(), woken));
    Ok(())
}
