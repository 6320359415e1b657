//! A container engine in memory: the same promises as a real one, plus faults on demand and a ledger of effects.
//!
//! One [`FakeWorld`] is shared by any number of actors; [`FakeWorld::engine`] gives each its own handle, so that the
//! ledger tells who did what.

mod containers;
mod effects;
mod engine;
mod faults;
mod ledger;
mod look;
mod networks;
mod runs;
mod state;

use common::cluster::ClusterId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::Ipv4Net;

pub use faults::{Fault, When};
pub use ledger::{Effect, Verb};
pub use runs::Run;

use crate::capacity::Capacity;
use crate::exec::Executed;
use crate::hash::SpecHash;
use crate::logs::{LogLine, LogStream};
use crate::observed::{Health, News, Object, State as ContainerState};
use crate::selection::Selection;
use crate::spec::ContainerSpec;
use state::State;

/// The world all fake engines act on. Clones share it.
#[derive(Clone, Default)]
pub struct FakeWorld {
    state: Arc<Mutex<State>>,
}

/// One actor's handle on a [`FakeWorld`].
#[derive(Clone)]
pub struct FakeEngine {
    world: FakeWorld,
    actor: Arc<str>,
}

impl FakeWorld {
    /// An empty world in which every image exists.
    pub fn new() -> Self {
        Self::default()
    }

    /// The engine as seen by this actor.
    pub fn engine(&self, actor: &str) -> FakeEngine {
        FakeEngine { world: self.clone(), actor: actor.into() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere has its own report; the world is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every mutating effect so far, in order.
    pub fn ledger(&self) -> Vec<Effect> {
        self.lock().ledger.clone()
    }

    /// Forgets the ledger, to look at what comes next only.
    pub fn clear_ledger(&self) {
        self.lock().ledger.clear();
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Whether all armed faults have happened.
    pub fn faults_spent(&self) -> bool {
        self.lock().faults.is_empty()
    }

    /// Cuts the engine off, or brings it back. Streams of events end.
    pub fn set_unreachable(&self, unreachable: bool) {
        let mut state = self.lock();
        state.unreachable = unreachable;
        if unreachable {
            state.listeners.clear();
        }
    }

    /// Puts up a shared container for this role; once more for a second one.
    pub fn add_shared(&self, cluster: &ClusterId, role: &str) {
        self.lock().add_shared(cluster, role);
    }

    /// Takes down all shared containers of this role and forgets what they were attached to.
    pub fn remove_shared(&self, cluster: &ClusterId, role: &str) {
        self.lock().shared.retain(|shared| !(shared.cluster == *cluster && shared.role == role));
    }

    /// Puts up a container that is not ours under this name.
    pub fn add_foreign_container(&self, name: &str) {
        self.lock().add_foreign_container(name);
    }

    /// Puts up a network that is not ours under this name.
    pub fn add_foreign_network(&self, name: &str, subnet: Ipv4Net) {
        self.lock().add_foreign_network(name, subnet);
    }

    /// Whether anything, ours or not, has this name.
    pub fn exists(&self, name: &str) -> bool {
        let state = self.lock();
        state.containers.contains_key(name) || state.networks.contains_key(name)
    }

    /// The specification a container was made from, its secrets included.
    pub fn spec(&self, name: &str) -> Option<ContainerSpec> {
        self.lock().containers.get(name)?.spec.clone()
    }

    /// The container's process ends with this code, and the engine leaves it at that.
    pub fn die(&self, name: &str, exit_code: i64) {
        let mut state = self.lock();
        state.change(name, |container| {
            container.state = ContainerState::Exited;
            container.exit_code = Some(exit_code);
        });
        state.tell_news(Object::Container, name, News::Ended { exit_code: Some(exit_code) });
    }

    /// The container's process ends with this code, and the engine starts it again.
    pub fn crash(&self, name: &str, exit_code: i64) {
        let mut state = self.lock();
        state.tell_news(Object::Container, name, News::Ended { exit_code: Some(exit_code) });
        state.change(name, |container| {
            container.restarts += 1;
            container.hung = false;
            container.started_at = Some(common::clock::now());
        });
    }

    /// The container's process ends with this code whenever the engine starts it, and the engine is about to try again.
    pub fn crash_loop(&self, name: &str, exit_code: i64) {
        let mut state = self.lock();
        state.tell_news(Object::Container, name, News::Ended { exit_code: Some(exit_code) });
        state.change(name, |container| {
            container.restarts += 3;
            container.state = ContainerState::Restarting;
            container.exit_code = Some(exit_code);
        });
    }

    /// The container is killed for want of memory, and the engine starts it again.
    pub fn run_out_of_memory(&self, name: &str) {
        self.lock().tell_news(Object::Container, name, News::OutOfMemory);
        self.crash(name, 137);
    }

    /// The container's process stands still until it is ended.
    pub fn hang(&self, name: &str) {
        self.lock().change(name, |container| container.hung = true);
    }

    /// Gives a network an exit, or takes it, behind everybody's back.
    pub fn set_exit(&self, network: &str, has_exit: bool) {
        if let Some(network) = self.lock().networks.get_mut(network) {
            network.has_exit = has_exit;
        }
    }

    /// The container was launched in this way, as if by another release.
    pub fn set_launch(&self, name: &str, launch: u32) {
        self.lock().change(name, |container| {
            container.spec.iter_mut().for_each(|spec| spec.launch = launch);
            container.hash = container.spec.as_ref().map(SpecHash::of);
        });
    }

    /// The engine lists the container and says nothing more about it, or does again.
    pub fn set_silent(&self, name: &str, silent: bool) {
        let mut state = self.lock();
        if silent {
            state.silent.insert(name.to_owned());
        } else {
            state.silent.remove(name);
        }
    }

    /// Forgets which record drives a cluster, as if somebody had removed the note by hand.
    pub fn forget_record(&self, cluster: &ClusterId) {
        self.lock().records.remove(cluster.as_str());
    }

    /// The container or network is gone, as if somebody had removed it by hand. A container's volume stays.
    pub fn vanish(&self, name: &str) {
        self.lock().vanish(name);
    }

    /// Overrides what health checks say: of the container of this name, also of one yet to come.
    /// `Health::Starting` means that health never comes.
    pub fn set_health(&self, name: &str, health: Health) {
        let mut state = self.lock();
        state.health.insert(name.to_owned(), health);
        state.change(name, |_| {});
    }

    /// Health checks of this name say the truth again: healthy.
    pub fn clear_health(&self, name: &str) {
        let mut state = self.lock();
        state.health.remove(name);
        state.change(name, |_| {});
    }

    /// The image is not on the engine (and pulling is off), or is again.
    pub fn set_image_missing(&self, image: &str, missing: bool) {
        let mut state = self.lock();
        if missing {
            state.missing_images.insert(image.to_owned());
        } else {
            state.missing_images.remove(image);
        }
    }

    /// What the engine has; by default as much as anybody asks for.
    pub fn set_capacity(&self, capacity: Capacity) {
        self.lock().capacity = Some(capacity);
    }

    /// The engine answers, and cannot say what it has.
    pub fn set_unmeasurable(&self) {
        self.lock().unmeasurable = true;
    }

    /// A container of this name writes a line.
    pub fn write(&self, name: &str, stream: LogStream, text: &str) {
        let line = LogLine { at: common::clock::now(), stream, text: text.to_owned() };
        self.lock().logs.entry(name.to_owned()).or_default().push(line);
    }

    /// What a container has used: processor time, and memory in bytes. Nothing until it is said.
    pub fn set_used(&self, name: &str, cpu: Duration, memory: u64) {
        self.lock().used.insert(name.to_owned(), (cpu, memory));
    }

    /// What was looked at since the last time this was asked, in order.
    pub fn take_looks(&self) -> Vec<Selection> {
        std::mem::take(&mut self.lock().looks)
    }

    /// Says how programs in containers end: `None` for one that never does. By default they succeed and say nothing.
    pub fn set_execs(
        &self,
        execs: impl Fn(&ContainerSpec, &[String]) -> Option<Executed> + Send + Sync + 'static,
    ) {
        self.lock().execs = Some(Arc::new(execs));
    }

    /// What a container does to the world as it starts.
    pub fn set_starts(&self, starts: impl Fn(&ContainerSpec) + Send + Sync + 'static) {
        self.lock().starts = Some(Arc::new(starts));
    }

    /// Says how containers that run once end. By default they succeed and say nothing.
    pub fn set_runs(&self, runs: impl Fn(&ContainerSpec) -> Run + Send + Sync + 'static) {
        self.lock().runs = Some(Arc::new(runs));
    }
}
