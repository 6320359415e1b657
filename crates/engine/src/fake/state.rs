//! What the fake engine holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::time::Duration;

use common::cluster::ClusterId;
use common::id::RecordId;
use futures::channel::mpsc::UnboundedSender;
use ipnet::Ipv4Net;
use time::OffsetDateTime;

use super::faults::{Fault, unreachable};
use super::ledger::Effect;
use super::runs::{Execs, Runs, Starts};
use crate::capacity::Capacity;
use crate::error::ContainerError;
use crate::exec::{Exec, Executed, Output};
use crate::hash::SpecHash;
use crate::logs::LogLine;
use crate::observed::{Event, Health, News, Object, State as ContainerState};
use crate::ownership::{label, read_tenant};
use crate::selection::Selection;
use crate::spec::{ContainerSpec, Limits};

pub(super) type Labels = HashMap<String, String>;

#[derive(Default)]
pub(super) struct State {
    /// `None`: whatever is asked for.
    pub(super) capacity: Option<Capacity>,
    pub(super) unmeasurable: bool,
    /// What containers wrote, by their names.
    pub(super) logs: BTreeMap<String, Vec<LogLine>>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) volumes: BTreeMap<String, Labels>,
    pub(super) shared: Vec<Shared>,
    pub(super) records: BTreeMap<String, RecordId>,
    /// Containers that are shown by name only.
    pub(super) silent: BTreeSet<String>,
    pub(super) missing_images: BTreeSet<String>,
    pub(super) health: BTreeMap<String, Health>,
    pub(super) runs: Option<Runs>,
    pub(super) execs: Option<Execs>,
    pub(super) starts: Option<Starts>,
    /// Processor time and bytes of memory, by container.
    pub(super) used: BTreeMap<String, (Duration, u64)>,
    pub(super) looks: Vec<Selection>,
    pub(super) ledger: Vec<Effect>,
    pub(super) faults: Vec<Fault>,
    pub(super) unreachable: bool,
    pub(super) listeners: Vec<(ClusterId, UnboundedSender<Event>)>,
    last_id: u64,
}

pub(super) struct Network {
    /// A network made again under its old name is another network.
    pub(super) id: u64,
    pub(super) labels: Labels,
    pub(super) subnet: Ipv4Net,
    pub(super) has_exit: bool,
    last_address: u32,
}

pub(super) struct Container {
    pub(super) labels: Labels,
    /// `None` for containers that are not ours.
    pub(super) spec: Option<ContainerSpec>,
    pub(super) hash: Option<SpecHash>,
    pub(super) network_id: Option<u64>,
    pub(super) state: ContainerState,
    pub(super) limits: Limits,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) started_at: Option<OffsetDateTime>,
    pub(super) exit_code: Option<i64>,
    pub(super) oom_killed: bool,
    /// How often it was started again by the engine itself.
    pub(super) restarts: u64,
    /// Its process stands still, until it is ended.
    pub(super) hung: bool,
}

pub(super) struct Shared {
    pub(super) cluster: ClusterId,
    pub(super) role: String,
    /// Networks by id.
    pub(super) attached: BTreeSet<u64>,
}

impl State {
    pub(super) fn reachable(&self, call: &'static str) -> Result<(), ContainerError> {
        if self.unreachable { Err(unreachable(call)) } else { Ok(()) }
    }

    /// By default programs succeed and say nothing.
    pub(super) fn exec(&self, container: &str, exec: &Exec) -> Option<Executed> {
        let spec = self.containers.get(container).and_then(|container| container.spec.as_ref());
        let end = match (&self.execs, spec) {
            (Some(execs), Some(spec)) => execs(spec, &exec.argv)?,
            (None, _) | (_, None) => Executed::default(),
        };
        let mut output = Output::within(exec.bytes);
        output.stdout(&end.stdout);
        output.stderr(&end.stderr);
        Some(output.ended(end.exit_code))
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn add_shared(&mut self, cluster: &ClusterId, role: &str) {
        let shared = Shared { cluster: cluster.clone(), role: role.to_owned(), attached: BTreeSet::new() };
        self.shared.push(shared);
        let (object, name, at) = (Object::Shared, role.to_owned(), common::clock::now());
        self.send(cluster.as_str(), &Event { tenant: None, object, name, at, news: News::Changed });
    }

    pub(super) fn add_network(&mut self, name: &str, labels: Labels, subnet: Ipv4Net, has_exit: bool) {
        let id = self.new_id();
        // The gateway has the first address.
        self.networks.insert(name.to_owned(), Network { id, labels, subnet, has_exit, last_address: 1 });
        self.tell(Object::Network, name);
    }

    pub(super) fn add_foreign_network(&mut self, name: &str, subnet: Ipv4Net) {
        self.add_network(name, Labels::new(), subnet, true);
    }

    pub(super) fn add_foreign_container(&mut self, name: &str) {
        let container = Container {
            labels: Labels::new(),
            spec: None,
            hash: None,
            network_id: None,
            state: ContainerState::Running,
            limits: Limits { cpu_millis: 0, memory_mb: 0, pids: 0 },
            address: None,
            started_at: Some(common::clock::now()),
            exit_code: None,
            oom_killed: false,
            restarts: 0,
            hung: false,
        };
        self.containers.insert(name.to_owned(), container);
    }

    /// Changes a container, if it is there, and tells it.
    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut Container)) {
        if let Some(container) = self.containers.get_mut(name) {
            change(container);
        }
        self.tell(Object::Container, name);
    }

    pub(super) fn vanish(&mut self, name: &str) {
        self.tell(Object::Container, name);
        self.tell(Object::Network, name);
        self.containers.remove(name);
        self.networks.remove(name);
    }

    pub(super) fn next_address(&mut self, network: &str) -> Option<Ipv4Addr> {
        let network = self.networks.get_mut(network)?;
        network.last_address += 1;
        Some(Ipv4Addr::from_bits(network.subnet.network().to_bits() + network.last_address))
    }

    /// Tells those who listen to the object's cluster. Called while the object is there.
    pub(super) fn tell(&mut self, object: Object, name: &str) {
        self.tell_news(object, name, News::Changed);
    }

    /// The same, with what happened.
    pub(super) fn tell_news(&mut self, object: Object, name: &str, news: News) {
        let labels = match object {
            Object::Container => self.containers.get(name).map(|c| &c.labels),
            Object::Network => self.networks.get(name).map(|n| &n.labels),
            Object::Volume => self.volumes.get(name),
            Object::Shared => None,
        };
        let Some(labels) = labels else { return };
        let (Some(tenant), Some(cluster)) = (read_tenant(labels), labels.get(label::CLUSTER)) else {
            return;
        };
        let (cluster, name, at) = (cluster.clone(), name.to_owned(), common::clock::now());
        self.send(&cluster, &Event { tenant, object, name, at, news });
    }

    fn send(&mut self, cluster: &str, event: &Event) {
        self.listeners.retain(|(theirs, listener)| {
            theirs.as_str() != cluster || listener.unbounded_send(event.clone()).is_ok()
        });
    }
}
