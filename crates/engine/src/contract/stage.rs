//! A tenant to play a check on.

use std::future::Future;
use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use common::tenant::Color;

use super::ContractSetup;
use crate::containers::Containers;
use crate::error::ContainerError;
use crate::observed::{Inventory, Observed};
use crate::ownership::{Ownership, Role};
use crate::selection::Selection;
use crate::spec::{ContainerSpec, HealthCheck, Limits, NetworkSpec, RestartPolicy, SecretFile, Tmpfs};

/// A tenant of its own, with what it would have.
pub struct Stage<'a> {
    pub engine: &'a dyn Containers,
    pub setup: &'a ContractSetup,
    pub tenant: TenantId,
    pub network: NetworkSpec,
}

impl<'a> Stage<'a> {
    /// A tenant that has nothing yet.
    pub fn new(engine: &'a dyn Containers, setup: &'a ContractSetup) -> Self {
        let tenant = TenantId::generate();
        let attach = ["edge", "postgres"].map(str::to_owned);
        let network = NetworkSpec {
            name: format!("t-{}", tenant.digits()),
            tenant: Some(tenant),
            cluster: setup.cluster.clone(),
            subnet: setup.subnet(),
            attach: attach.into(),
            has_exit: true,
            generation: 1,
        };
        Self { engine, setup, tenant, network }
    }

    /// A tenant that has its network.
    pub async fn with_network(engine: &'a dyn Containers, setup: &'a ContractSetup) -> Self {
        let stage = Self::new(engine, setup);
        stage.engine.ensure_network(&stage.network).await.unwrap();
        stage
    }

    /// A container that serves until it is told to stop.
    pub fn main(&self) -> ContainerSpec {
        let second = Duration::from_secs(1);
        ContainerSpec {
            name: format!("t-{}-main", self.tenant.digits()),
            owner: Ownership {
                tenant: Some(self.tenant),
                role: Role::Main,
                color: Color::Blue,
                generation: 1,
                cluster: self.setup.cluster.clone(),
            },
            image: self.setup.image.clone(),
            command: shell("trap 'exit 0' TERM; sleep 3600 & wait"),
            env: [("GREETING".into(), "hello".into())].into(),
            launch: 1,
            settings: String::new(),
            labels: [("example.org/owner".into(), "tests".into())].into(),
            network: self.network.name.clone(),
            aliases: vec!["n8n".into()],
            limits: Limits { cpu_millis: 250, memory_mb: 64, pids: 32 },
            health: Some(HealthCheck {
                argv: vec!["true".into()],
                interval: second,
                timeout: second * 5,
                start_period: second,
                retries: 3,
            }),
            restart: RestartPolicy::Never,
            stop_timeout: second * 5,
            tmpfs: vec![Tmpfs { path: "/tmp".into(), size_mb: 8 }],
            secrets: vec![SecretFile {
                path: "/run/secrets/key".into(),
                content: format!("canary-{}", self.tenant.digits()).into(),
                mode: 0o400,
            }],
        }
    }

    /// A container that runs this and ends.
    pub fn job(&self, script: &str) -> ContainerSpec {
        let main = self.main();
        ContainerSpec {
            name: format!("t-{}-migrate", self.tenant.digits()),
            owner: Ownership { role: Role::Migrate, ..main.owner },
            command: shell(script),
            aliases: Vec::new(),
            health: None,
            ..main
        }
    }

    /// What the engine shows of this tenant.
    pub async fn seen(&self) -> Inventory {
        self.engine.observe(&self.setup.cluster, Selection::of(self.tenant)).await.unwrap()
    }

    /// The container of this name, which must be there.
    pub async fn container(&self, name: &str) -> Observed {
        self.seen().await.find(name).cloned().unwrap_or_else(|| panic!("{name} is not there"))
    }

    /// Removes everything of the tenant, as the control plane would.
    pub async fn strike(&self) {
        let seen = self.seen().await;
        for container in &seen.containers {
            self.engine.remove(&container.reference()).await.unwrap();
        }
        for volume in &seen.volumes {
            self.engine.remove(&volume.reference()).await.unwrap();
        }
        self.engine.remove_network(&self.network.reference()).await.unwrap();
        let left = self.seen().await;
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

pub(super) fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).into()
}

/// The verb was refused for this sort of reason.
#[track_caller]
pub(super) fn refused<T>(answer: Result<T, ContainerError>, kind: Kind) -> ContainerError {
    match answer {
        Ok(_) => panic!("it was done instead of being refused as {kind}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{}", common::error::chain(&error));
            error
        }
    }
}

/// Looks again and again until it is so; gives up after half a minute.
pub async fn until<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let look = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(30), look).await.is_err() {
        panic!("waited in vain until {what}");
    }
}
