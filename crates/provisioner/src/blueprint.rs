//! What a tenant's network and containers look like. Pure: rows and secrets in, specifications out.

mod container;
mod migration;
mod routes;

use common::{error::Kind, operations::StepError, tenant::Purpose};
use engine::{ContainerSpec, NetworkRef, NetworkSpec, Ownership};
use n8n::{
    Version,
    databases::{Beside, Name},
    launch::{Database, Instance as N8n, Redis, Role},
    queues,
};

use crate::{
    config::{SHARED, Site},
    home::Dedicated,
    store::{instances::Instance, secrets::TenantSecrets, tenants::Tenant},
};

pub use migration::MigrationContainer;
pub use routes::{Answers, routes};

const POSTGRES_PORT: u16 = 5432;
const REDIS_PORT: u16 = 6379;

/// Everything that should be there for one tenant.
pub struct Blueprint {
    pub tenant: Tenant,
    pub home: Dedicated,
    pub instances: Vec<Instance>,
    pub secrets: TenantSecrets,
    pub network: NetworkSpec,
    pub n8n: N8n,
    site: Site,
}

impl Blueprint {
    /// Puts the rows together. A tenant without a subnet has not been reserved: a mistake of ours. One that lives in another cluster is not
    /// this site's.
    pub fn new(
        site: &Site,
        tenant: Tenant,
        instances: Vec<Instance>,
        secrets: TenantSecrets,
    ) -> Result<Self, StepError> {
        if tenant.purpose == Purpose::Unknown {
            return Err(StepError::failed(
                Kind::Unavailable,
                "a later release made the tenant for a purpose that this one does not know",
            )
            .with_hint("A provisioner of that release goes on with it: look whether one runs."));
        }
        let home = tenant.own_in(&site.cluster)?;
        let subnet =
            tenant.subnet.ok_or_else(|| StepError::failed(Kind::Internal, "the tenant has no subnet yet"))?;
        let network = NetworkSpec {
            name: network_name(&tenant),
            tenant: Some(tenant.id),
            cluster: home.cluster.clone(),
            subnet,
            attach: SHARED.map(str::to_owned).into(),
            has_exit: has_exit(tenant.purpose),
            generation: tenant.generation,
        };
        let name = Name::of(tenant.id);
        let n8n = N8n {
            tenant: tenant.id,
            purpose: tenant.purpose,
            version: home.version,
            host: host_name(site, &tenant),
            scheme: site.public.scheme,
            port: site.public.port,
            database: Database {
                host: "postgres".into(),
                port: POSTGRES_PORT,
                name: name.to_string(),
                user: name.to_string(),
            },
            redis: Redis {
                host: "redis".into(),
                port: REDIS_PORT,
                user: queues::user(tenant.id),
                prefix: queues::prefix(tenant.id),
            },
            timezone: "Etc/UTC".into(),
            // Those who share one have no mailbox: their addresses lead nowhere. And a copy writes to nobody.
            mail: site
                .mailer
                .as_ref()
                .filter(|_| tenant.purpose.is_customer())
                .map(|mailer| mailer.mail.clone()),
        };
        Ok(Self { tenant, home, instances, secrets, network, n8n, site: site.clone() })
    }

    /// The containers that should run, the main first.
    pub fn containers(&self) -> impl Iterator<Item = ContainerSpec> + '_ {
        self.instances.iter().map(|instance| container::of_instance(self, instance))
    }

    /// What brings the copy beside the tenant's database to this release, or starts this release on it, and ends.
    pub fn rehearsal(&self, version: Version) -> ContainerSpec {
        self.once(version, Name::of(self.tenant.id).beside(Beside::Next))
    }

    /// What starts n8n on the tenant's database, reads what is in it, and ends.
    pub fn trial(&self) -> ContainerSpec {
        self.once(self.home.version, Name::of(self.tenant.id).to_string())
    }

    fn once(&self, version: Version, database: String) -> ContainerSpec {
        let (tenant, mut n8n) = (self.tenant.id, self.n8n.clone());
        n8n.version = version;
        n8n.database.name = database;
        let owner = Ownership {
            tenant: Some(tenant),
            role: engine::Role::Migrate,
            color: self.home.color,
            generation: self.tenant.generation,
            cluster: self.home.cluster.clone(),
        };
        let (image, launch) = (self.site.image(version), n8n.launch(Role::Migrate));
        let mut spec = container::of_launch(image, owner, migration::LIMITS, launch, &self.secrets.instance);
        spec.name = format!("rp9-{}-rehearsal-{}", tenant.digits(), version.to_string().replace('.', "-"));
        spec.network.clone_from(&self.network.name);
        spec
    }

    /// The tenant's network by name and owner.
    pub fn network_ref(&self) -> NetworkRef {
        self.network.reference()
    }

    /// How many connections its role may open.
    pub fn connection_limit(&self) -> u16 {
        connection_limit(&self.tenant, &self.instances)
    }
}

/// Whether the network of a tenant that is there for this has an exit.
pub fn has_exit(purpose: Purpose) -> bool {
    purpose != Purpose::Sandbox
}

/// How many connections the role of a tenant with these instances may open: the pools of its containers, of a second main during a change,
/// and a command line or a backup beside them.
pub fn connection_limit(tenant: &Tenant, instances: &[Instance]) -> u16 {
    let connections = |role: Role| role.connections(tenant.purpose);
    let pools = instances.iter().map(|instance| connections(container::role(tenant, instance)));
    pools.sum::<u16>() + connections(Role::Main) + connections(Role::Migrate) * 2
}

/// The address a tenant is reached at, without the port.
pub fn host_name(site: &Site, tenant: &Tenant) -> String {
    site.public.host(&tenant.subdomain)
}

/// The tenant's network. Docker before 28 sends a shared container's published ports through the network whose name sorts
/// first, so this has to sort after the platform's own (`rp9…_control`).
pub fn network_name(tenant: &Tenant) -> String {
    format!("tenant-{}", tenant.id.digits())
}
