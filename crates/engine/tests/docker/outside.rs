//! A real engine, and what the port does not show of it.

use async_trait::async_trait;
use bollard::Docker as Api;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, InspectNetworkOptions, KillContainerOptions,
    ListContainersOptions, ListNetworksOptions, ListVolumesOptions, RemoveContainerOptions,
    RemoveVolumeOptions, StartContainerOptions,
};
use common::id::TenantId;
use engine::contract::{ContractSetup, Outside};
use engine::docker::Docker;
use engine::fake::{Verb, When};
use engine::{ClusterId, label};
use ipnet::Ipv4Net;
use tokio::sync::OnceCell;

use crate::faults::Faults;

/// What these tests call their clusters, so that the leftovers of a killed run can be told from everything else.
const PREFIX: &str = "engine-test-";

/// On what a test puts up that must not look like ours.
const MARK: &str = "org.example.engine-test";

const IDLE: [&str; 2] = ["sleep", "3600"];

static CLEANED: OnceCell<()> = OnceCell::const_new();

/// A part of the engine for one test.
pub struct Place {
    pub docker: Docker,
    pub api: Api,
    pub setup: ContractSetup,
    pub faults: Faults,
}

impl Place {
    /// The tests of one run share the engine; `part` (0 to 15) keeps their subnets apart.
    pub async fn prepare(part: u8) -> Self {
        let api = Api::connect_with_host(&host()).unwrap();
        CLEANED.get_or_init(|| clean(&api, PREFIX)).await;
        let run = TenantId::generate().digits();
        let cluster: ClusterId = format!("{PREFIX}{}", run.get(20..).unwrap()).parse().unwrap();
        let faults = Faults::default();
        let docker = Docker::connect(&faults.listen(host())).unwrap();
        let outside = DockerOutside { api: api.clone(), cluster: cluster.clone(), faults: faults.clone() };
        let subnets = format!("10.203.{}.0/20", part * 16).parse().unwrap();
        let setup = ContractSetup::new(cluster, &image(), subnets, Box::new(outside));
        Self { docker, api, setup, faults }
    }

    /// Puts up a shared container for this role that answers every connection on this port with its role.
    pub async fn add_serving(&self, role: &str, port: u16) {
        let outside = DockerOutside {
            api: self.api.clone(),
            cluster: self.setup.cluster.clone(),
            faults: self.faults.clone(),
        };
        let server = format!(
            "exec perl -MIO::Socket::INET -e '\
                my $s = IO::Socket::INET->new(LocalPort => {port}, Listen => 5, ReuseAddr => 1) or die; \
                while (my $c = $s->accept) {{ print $c \"{role}\\n\"; close $c }}'"
        );
        let labels = [(label::ATTACH, role), (label::CLUSTER, self.setup.cluster.as_str())];
        outside.put_up(&format!("{}-{role}", self.setup.cluster), &labels, &["sh", "-c", &server]).await;
    }

    /// Takes away what the test itself put up.
    pub async fn clean(&self) {
        clean(&self.api, self.setup.cluster.as_str()).await;
    }
}

/// Where the engine is.
pub fn host() -> String {
    environment("TEST_DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned())
}

fn image() -> String {
    environment("TEST_ENGINE_IMAGE").unwrap_or_else(|| "debian:bookworm-slim".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

struct DockerOutside {
    api: Api,
    cluster: ClusterId,
    faults: Faults,
}

impl DockerOutside {
    async fn put_up(&self, name: &str, labels: &[(&str, &str)], command: &[&str]) {
        let mark = [(MARK, self.cluster.as_str())];
        let labels = labels.iter().chain(&mark);
        let body = ContainerCreateBody {
            image: Some(image()),
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            labels: Some(labels.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
            host_config: Some(HostConfig { init: Some(false), ..Default::default() }),
            ..Default::default()
        };
        let options = CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
        let id = self.api.create_container(Some(options), body).await.unwrap().id;
        self.api.start_container(&id, None::<StartContainerOptions>).await.unwrap();
    }
}

#[async_trait]
impl Outside for DockerOutside {
    async fn add_shared(&self, role: &str) {
        let name = format!("{}-{role}", self.cluster);
        self.put_up(&name, &[(label::ATTACH, role), (label::CLUSTER, self.cluster.as_str())], &IDLE).await;
    }

    async fn remove_shared(&self, role: &str) {
        self.remove(&format!("{}-{role}", self.cluster)).await;
    }

    async fn add_foreign_container(&self, name: &str) {
        self.put_up(name, &[], &IDLE).await;
    }

    async fn add_foreign_network(&self, name: &str, subnet: Ipv4Net) {
        let config = IpamConfig { subnet: Some(subnet.to_string()), ..Default::default() };
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            ipam: Some(Ipam { config: Some(vec![config]), ..Default::default() }),
            labels: Some([(MARK.to_owned(), self.cluster.to_string())].into()),
            ..Default::default()
        };
        self.api.create_network(request).await.unwrap();
    }

    async fn exists(&self, name: &str) -> bool {
        let container = self.api.inspect_container(name, None::<InspectContainerOptions>).await;
        let network = self.api.inspect_network(name, None::<InspectNetworkOptions>).await;
        container.is_ok() || network.is_ok()
    }

    async fn remove(&self, name: &str) {
        let options = RemoveContainerOptions { force: true, v: true, link: false };
        if self.api.remove_container(name, Some(options)).await.is_err() {
            self.api.remove_network(name).await.unwrap();
        }
    }

    async fn die(&self, name: &str) {
        let options = KillContainerOptions { signal: "SIGKILL".to_owned() };
        self.api.kill_container(name, Some(options)).await.unwrap();
    }

    async fn hang(&self, name: &str) {
        let options = KillContainerOptions { signal: "SIGSTOP".to_owned() };
        self.api.kill_container(name, Some(options)).await.unwrap();
    }

    async fn forget_record(&self) {
        let name = format!("rp9-{}-record", self.cluster);
        let removed = self.api.remove_volume(&name, None::<RemoveVolumeOptions>).await;
        let absent = matches!(removed, Err(Error::DockerResponseServerError { status_code: 404, .. }));
        assert!(absent || removed.is_ok(), "{removed:?}");
    }

    async fn inject(&self, verb: Verb, when: When) {
        self.faults.arm(verb, when);
    }
}

/// Removes everything whose cluster, or mark, begins like this.
async fn clean(api: &Api, prefix: &str) {
    let stale = |labels: &std::collections::HashMap<String, String>| {
        [label::CLUSTER, MARK]
            .iter()
            .any(|key| labels.get(*key).is_some_and(|value| value.starts_with(prefix)))
    };
    let all = ListContainersOptions { all: true, ..Default::default() };
    for container in api.list_containers(Some(all)).await.unwrap() {
        if container.labels.as_ref().is_some_and(stale) {
            let options = RemoveContainerOptions { force: true, v: true, link: false };
            drop(api.remove_container(&container.id.unwrap(), Some(options)).await);
        }
    }
    for network in api.list_networks(None::<ListNetworksOptions>).await.unwrap() {
        if network.labels.as_ref().is_some_and(stale) {
            drop(api.remove_network(&network.id.unwrap()).await);
        }
    }
    let volumes = api.list_volumes(None::<ListVolumesOptions>).await.unwrap().volumes;
    for volume in volumes.unwrap_or_default() {
        if stale(&volume.labels) {
            drop(api.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await);
        }
    }
}
