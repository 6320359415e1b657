//! The outside systems, behind their ports.

mod metering;
mod shared;

use std::sync::Arc;

use common::{
    bus::Bus,
    id::TenantId,
    operations::StepError,
    secrets::{Followers, MasterKeys},
};
use edge::{Edge, HttpEdge, Inner};
use engine::{
    ContainerError, Containers,
    docker::{Docker, DockerOptions},
};
use n8n::{
    AdminUrls, Servers, TenantDatabases, TenantQueues, Version,
    account::HashCost,
    copies::{Moves, PostgresMoves},
    databases::DatabaseError,
    members::{Members, PostgresMembers},
};
use sqlx::PgPool;

use crate::{
    blueprint::{Blueprint, MigrationContainer},
    config::{Config, OptionalExternal, Site},
    external::External,
    home::here,
    store::{
        homes, instances,
        secrets::{self, TenantSecrets},
        tenants,
    },
};

use metering::Collector;
pub use metering::{Metering, Uncounted};

/// What the steps act on.
pub struct World {
    pub containers: Arc<dyn Containers>,
    pub databases: Arc<dyn TenantDatabases>,
    pub queues: Arc<dyn TenantQueues>,
    /// Of n8ns that tenants share.
    pub members: Arc<dyn Members>,
    /// Out of those, into databases of their own.
    pub moves: Arc<dyn Moves>,
    pub metering: Arc<dyn Metering>,
    pub edge: Arc<dyn Edge>,
    /// The way to the n8ns that tenants share.
    pub inner: Inner,
    /// The one of these that the platform does not run itself.
    pub external: Arc<External>,
    pub keys: MasterKeys,
    /// Of what people sign in with.
    pub password_cost: HashCost,
    pub site: Site,
}

fn docker(config: &Config) -> Result<Docker, ContainerError> {
    let (pull, certificates) = (config.pull_images, config.docker_certificates.clone());
    Docker::connect_with(&config.docker_host, DockerOptions { pull, certificates, ..Default::default() })
}

impl World {
    /// The real one. Nothing is connected yet: every system may come up later, and its login may become another one.
    pub fn connect(config: &Config, secrets: &Followers, bus: Bus) -> anyhow::Result<Self> {
        let servers = Servers::new(&config.admins)?;
        let own = servers.clone();
        secrets.follow(move |urls: AdminUrls| own.put(&urls));
        let Servers { databases, queues } = servers;
        let external = Arc::new(External::default());
        external.put(config.external.0.clone());
        let followed = external.clone();
        secrets.follow(move |OptionalExternal(settings)| followed.put(settings));
        Ok(Self {
            containers: Arc::new(docker(config)?),
            members: Arc::new(PostgresMembers::new(databases.clone())?),
            moves: Arc::new(PostgresMoves::new(databases.clone())),
            databases: Arc::new(databases),
            queues: Arc::new(queues),
            metering: Arc::new(Collector { bus, cluster: config.site.cluster.clone() }),
            edge: Arc::new(HttpEdge::new(&[&config.edge_probe_url])?),
            inner: config.edge_inner_url.clone(),
            external,
            keys: config.master_keys.clone(),
            password_cost: HashCost::N8N,
            site: config.site.clone(),
        })
    }

    /// Everything that should be there for a tenant, read from the rows.
    pub async fn blueprint(&self, record: &PgPool, tenant: TenantId) -> Result<Blueprint, StepError> {
        let row = tenants::get(record, tenant).await?;
        let instances = instances::of_tenant(record, tenant).await?;
        let secrets = self.secrets(record, tenant).await?;
        Blueprint::new(&self.site, row, instances, secrets)
    }

    /// Everything secret that a tenant's containers are given: what is its own, and the cluster's password for mail.
    pub async fn secrets(&self, record: &PgPool, tenant: TenantId) -> Result<TenantSecrets, StepError> {
        let mut secrets = secrets::open(record, &self.keys, tenant).await?;
        let mailer = self.site.mailer.as_ref();
        secrets.instance.smtp_password =
            mailer.and_then(|mailer| mailer.password.clone()).unwrap_or_default();
        Ok(secrets)
    }

    /// Fails in a cluster that is not the tenant's. One without a place is anybody's: whoever looks finds nothing of it.
    pub async fn is_home_of(&self, record: &PgPool, tenant: TenantId) -> Result<(), StepError> {
        let home = homes::find(record, tenant).await?;
        home.map_or(Ok(()), |home| here(home.cluster(), &self.site.cluster))
    }

    /// There is a template of this release. The first time waits for n8n's image and its migrations.
    pub async fn ensure_template(&self, record: &PgPool, release: Version) -> Result<(), DatabaseError> {
        self.databases.ensure_template(release, &self.migration(record)).await
    }

    /// How a template is migrated on this cluster.
    pub fn migration<'a>(&'a self, record: &'a PgPool) -> MigrationContainer<'a> {
        MigrationContainer { containers: self.containers.as_ref(), site: &self.site, record }
    }
}
