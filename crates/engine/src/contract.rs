//! What every engine has to do, whichever it is. Run against the fake and against real ones.
//!
//! Each check uses tenants of its own, so that one engine can be shared, and cleans up after itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a check fails by panicking")]

mod containers;
mod crashes;
mod execs;
mod looks;
mod networks;
mod records;
mod restarts;
mod runs;
mod stage;

use common::cluster::ClusterId;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use ipnet::Ipv4Net;

use crate::containers::Containers;
use crate::fake::{Verb, When};
use crate::selection::Selection;
use crate::spec::Limits;

pub use stage::{Stage, until};

/// The side of the world that the port does not show.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Puts up a shared container for this role.
    async fn add_shared(&self, role: &str);
    /// Takes down the shared containers of this role.
    async fn remove_shared(&self, role: &str);
    /// Puts up a running container without our labels.
    async fn add_foreign_container(&self, name: &str);
    /// Makes a network without our labels.
    async fn add_foreign_network(&self, name: &str, subnet: Ipv4Net);
    /// Whether a container or network of this name exists, whoever it belongs to.
    async fn exists(&self, name: &str) -> bool;
    /// Removes a container or network of this name.
    async fn remove(&self, name: &str);
    /// Ends a container's process as a crash would.
    async fn die(&self, name: &str);
    /// Lets a container's process stand still, deaf to everything but being killed.
    async fn hang(&self, name: &str);
    /// Removes the note of which record drives the suite's cluster, if there is one.
    async fn forget_record(&self);
    /// Lets the next effect of this sort fail.
    async fn inject(&self, verb: Verb, when: When);
}

/// Where a suite runs.
pub struct ContractSetup {
    /// A name nobody else uses.
    pub cluster: ClusterId,
    /// An image with a shell, `sleep` and `true`.
    pub image: String,
    /// Where subnets are cut from, /28 each.
    pub subnets: Ipv4Net,
    pub outside: Box<dyn Outside>,
    next_subnet: AtomicU32,
}

impl ContractSetup {
    /// A place to run in.
    pub fn new(cluster: ClusterId, image: &str, subnets: Ipv4Net, outside: Box<dyn Outside>) -> Self {
        Self { cluster, image: image.to_owned(), subnets, outside, next_subnet: AtomicU32::new(0) }
    }

    /// Sixteen addresses that nobody else has.
    pub fn subnet(&self) -> Ipv4Net {
        let index = self.next_subnet.fetch_add(1, Ordering::Relaxed);
        let start = Ipv4Addr::from_bits(self.subnets.network().to_bits() + index * 16);
        assert!(self.subnets.contains(&start), "the range for tests is used up");
        Ipv4Net::new(start, 28).unwrap()
    }
}

/// Checks that are about the same, and can be run beside the others in a place of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub enum Part {
    Networks,
    Containers,
    Restarts,
    Records,
    Crashes,
    Runs,
    Looks,
    Execs,
}

impl Part {
    async fn check(self, engine: &dyn Containers, setup: &ContractSetup) {
        match self {
            Self::Networks => networks::all(engine, setup).await,
            Self::Containers => containers::all(engine, setup).await,
            Self::Restarts => restarts::all(engine, setup).await,
            Self::Records => records::all(engine, setup).await,
            Self::Crashes => crashes::all(engine, setup).await,
            Self::Runs => runs::all(engine, setup).await,
            Self::Looks => looks::all(engine, setup).await,
            Self::Execs => execs::all(engine, setup).await,
        }
    }
}

/// Runs every check of these parts. Afterwards nothing of this cluster is left in the engine.
pub async fn containers(engine: &dyn Containers, setup: &ContractSetup, parts: &[Part]) {
    setup.outside.add_shared("edge").await;
    setup.outside.add_shared("postgres").await;
    engine.ping().await.unwrap();
    assert!(engine.capacity().await.unwrap().holds(Limits { cpu_millis: 250, memory_mb: 64, pids: 64 }));

    for part in parts {
        part.check(engine, setup).await;
    }

    setup.outside.remove_shared("edge").await;
    setup.outside.remove_shared("postgres").await;
    let left = engine.observe(&setup.cluster, Selection::ALL).await.unwrap();
    assert!(left.is_empty(), "left behind: {left:?}");
    setup.outside.forget_record().await;
}
