//! Tenants in a cluster, and what is to be seen of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use common::{bus::BusError, id::TenantId};
use metrics_collector::{Containers, Outlet, World, exposition::Shown, shards::Shards, ticks::Ticks};
use n8n::fake::{DatabaseWorld, ExecutionWorld, QueueWorld};
use sqlx::PgPool;
use wire::{ContainerUsage, Sample};

/// The cluster of all tests.
pub const CLUSTER: &str = "local";

/// What all replicas look at, and what they told.
#[derive(Clone)]
pub struct Fakes {
    pub pool: PgPool,
    pub queues: QueueWorld,
    pub executions: ExecutionWorld,
    pub databases: DatabaseWorld,
    /// `None`: the provisioner does not answer.
    pub used: Arc<Mutex<Option<HashMap<String, ContainerUsage>>>>,
    pub told: Arc<Mutex<Vec<Sample>>>,
}

#[async_trait]
impl Containers for Fakes {
    async fn used(&self) -> Result<HashMap<String, ContainerUsage>, BusError> {
        self.used.lock().unwrap().clone().ok_or(BusError::NoResponders)
    }
}

#[async_trait]
impl Outlet for Fakes {
    async fn tell(&self, samples: &[Sample]) {
        self.told.lock().unwrap().extend_from_slice(samples);
    }
}

impl Fakes {
    pub async fn new(pool: &PgPool) -> Self {
        let cluster = "insert into clusters (id, region, engine, subnets, observed_at) values ($1, 'here', 'docker', '10.201.0.0/16', now())";
        sqlx::query(cluster).bind(CLUSTER).execute(pool).await.unwrap();
        Self {
            pool: pool.clone(),
            queues: QueueWorld::default(),
            executions: ExecutionWorld::default(),
            databases: DatabaseWorld::default(),
            used: Arc::new(Mutex::new(Some(HashMap::new()))),
            told: Arc::default(),
        }
    }

    pub fn world(&self) -> World {
        World {
            record: self.pool.clone(),
            cluster: CLUSTER.parse().unwrap(),
            containers: Arc::new(self.clone()),
            queues: Arc::new(self.queues.actor("collector")),
            executions: Arc::new(self.executions.actor("collector")),
            databases: Arc::new(self.databases.actor("collector")),
            outlet: Arc::new(self.clone()),
        }
    }

    /// Another replica, and what it shows.
    pub async fn replica(&self) -> (Ticks, Shown) {
        let shards = Shards::new(self.pool.clone(), CLUSTER.parse().unwrap());
        shards.ensure().await.unwrap();
        let shown = Shown::default();
        (Ticks::new(self.world(), shards, shown.clone()), shown)
    }

    /// A dedicated tenant with a main and a worker that run.
    pub async fn dedicated(&self) -> TenantId {
        let tenant = self.row("customer", None).await;
        for (role, ordinal) in [("main", 0), ("worker", 1)] {
            let instance = "insert into tenant_instances
                    (name, tenant_id, cluster_id, role, color, ordinal, generation, cpu_millis, memory_mb, state, health, seen_at)
                values ($1, $2, $3, $4, 'blue', $5, 1, 1000, 1000, 'running', 'healthy', now())";
            let instance = sqlx::query(instance).bind(format!("{tenant}-{role}")).bind(tenant).bind(CLUSTER);
            instance.bind(role).bind(ordinal).execute(&self.pool).await.unwrap();
        }
        tenant
    }

    /// A copy of somebody's.
    pub async fn sandbox(&self) -> TenantId {
        self.row("sandbox", None).await
    }

    /// An n8n to be shared.
    pub async fn shared(&self) -> TenantId {
        self.row("shared", None).await
    }

    /// One that somebody else runs.
    pub async fn external(&self) -> TenantId {
        let instance = self.shared().await;
        let insert = "insert into external_n8ns (cluster_id, tenant_id, base_url, obstacles) values ($1, $2, 'https://n8n.example.com/', '[]')";
        sqlx::query(insert).bind(CLUSTER).bind(instance).execute(&self.pool).await.unwrap();
        instance
    }

    /// Who has this project in it.
    pub async fn member(&self, instance: TenantId, project: &str) -> TenantId {
        self.row("customer", Some((instance, project))).await
    }

    async fn row(&self, purpose: &str, home: Option<(TenantId, &str)>) -> TenantId {
        let tenant = TenantId::generate();
        let insert = "insert into tenants
                (id, name, email, subdomain, mode, plan, status, purpose, capacity, n8n_version, cluster_id, shared_instance, shared_project)
            values ($1, 'Acme', 'a@acme.example', $2, $3, case $4 when 'customer' then 'starter' else $4 end, 'active', $4,
                case $4 when 'shared' then 10 end, '2.41.1', $5, $6, $7)";
        let mode = if home.is_some() { "shared" } else { "dedicated" };
        let digits = tenant.digits();
        let insert =
            sqlx::query(insert).bind(tenant).bind(format!("t{}", &digits[20..])).bind(mode).bind(purpose);
        let insert = insert.bind(CLUSTER).bind(home.map(|(instance, _)| instance.uuid().to_string()));
        insert.bind(home.map(|(_, project)| project)).execute(&self.pool).await.unwrap();
        tenant
    }
}
