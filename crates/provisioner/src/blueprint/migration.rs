//! Migrating a template with a container of the n8n version it is for.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    database,
    error::{Classify, Kind},
    id::TenantId,
    tenant::{Color, Purpose},
};
use engine::{ContainerError, ContainerSpec, Containers, Limits, NetworkSpec, Ownership, Role};
use ipnet::Ipv4Net;
use n8n::{
    account,
    databases::{Migrate, MigrationFailed, MigrationTarget, template_name},
    launch::{self, Database, Instance, Redis, Secrets},
};

use super::container;
use crate::{
    config::Site,
    store::subnets::{self, SubnetError},
};
use secrecy::SecretString;
use sqlx::PgPool;

/// 270 migrations took 8 s on a quiet machine; a busy one must not fail a tenant.
const TIMEOUT: Duration = Duration::from_secs(300);

pub(super) const LIMITS: Limits = Limits { cpu_millis: 2000, memory_mb: 1024, pids: 512 };

/// Runs migrations in a network of the platform's own.
pub struct MigrationContainer<'a> {
    pub containers: &'a dyn Containers,
    pub site: &'a Site,
    pub record: &'a PgPool,
}

#[async_trait]
impl Migrate for MigrationContainer<'_> {
    async fn migrate(&self, target: &MigrationTarget) -> Result<(), MigrationFailed> {
        let network = self.network().await?;
        let spec = self.container(&network, target)?;
        let finished = self.containers.run_once(&spec, TIMEOUT).await.map_err(MigrationFailed::because)?;
        if finished.exit_code == 0 {
            return Ok(());
        }
        tracing::warn!(exit_code = finished.exit_code, logs = finished.logs_tail, "the migrations failed");
        Err(Failed::because(format!("n8n's migrations ended with exit code {}", finished.exit_code)))
    }
}

/// The migrations ran, or could not even be run here, and that is the whole story.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

impl Failed {
    fn because(reason: String) -> MigrationFailed {
        MigrationFailed::because(Self(reason))
    }
}

impl Classify for Failed {
    fn hint(&self) -> Option<&'static str> {
        Some("The provisioner's log has the end of what n8n's migrations said.")
    }

    fn kind(&self) -> Kind {
        Kind::Upstream
    }
}

impl MigrationContainer<'_> {
    /// The platform's own network, which exists afterwards, in a range that nobody else has.
    async fn network(&self) -> Result<NetworkSpec, MigrationFailed> {
        for _ in 0..subnets::EXCHANGES {
            let subnet =
                subnets::of_platform(self.record, self.site).await.map_err(MigrationFailed::because)?;
            let subnet = subnet.ok_or_else(|| MigrationFailed::because(SubnetError::Exhausted))?;
            let network = self.network_in(subnet);
            match self.containers.ensure_network(&network).await {
                Ok(()) => return Ok(network),
                Err(ContainerError::SubnetTaken { by, .. }) => {
                    self.move_on(by.unwrap_or(subnet)).await.map_err(MigrationFailed::because)?;
                }
                Err(error) => return Err(MigrationFailed::because(error)),
            }
        }
        Err(MigrationFailed::because(SubnetError::Squatted))
    }

    async fn move_on(&self, taken: Ipv4Net) -> Result<(), SubnetError> {
        subnets::note(self.record, self.site, taken).await?;
        let mut transaction = database::begin(self.record).await?;
        subnets::exchange_platform(&mut transaction, self.site, taken).await?;
        Ok(transaction.commit().await?)
    }

    fn network_in(&self, subnet: Ipv4Net) -> NetworkSpec {
        NetworkSpec {
            name: format!("tenants-{}-migrate", self.site.cluster),
            tenant: None,
            cluster: self.site.cluster.clone(),
            subnet,
            attach: vec!["postgres".into()],
            has_exit: true,
            generation: 1,
        }
    }

    fn container(
        &self,
        network: &NetworkSpec,
        target: &MigrationTarget,
    ) -> Result<ContainerSpec, MigrationFailed> {
        let owner = Ownership {
            tenant: None,
            role: Role::Migrate,
            color: Color::Blue,
            generation: 1,
            cluster: self.site.cluster.clone(),
        };
        let launch = self.nobody(target).launch(launch::Role::Migrate);
        let secrets = throwaway(target).map_err(MigrationFailed::because)?;
        let image = self.site.image(target.version);
        let mut spec = container::of_launch(image, owner, LIMITS, launch, &secrets);
        spec.name = format!("rp9-{}-{}", self.site.cluster, template_name(target.version).replace('_', "-"));
        spec.network.clone_from(&network.name);
        Ok(spec)
    }

    /// An instance of no tenant: nothing of it is in the result, a template belongs to nobody.
    fn nobody(&self, target: &MigrationTarget) -> Instance {
        let database = Database {
            host: "postgres".into(),
            port: super::POSTGRES_PORT,
            name: target.database.clone(),
            user: target.user.clone(),
        };
        let redis = Redis {
            host: "redis".into(),
            port: super::REDIS_PORT,
            user: "nobody".into(),
            prefix: "nobody:".into(),
        };
        Instance {
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            purpose: Purpose::Customer,
            version: target.version,
            host: "template.invalid".into(),
            scheme: self.site.public.scheme,
            port: self.site.public.port,
            database,
            redis,
            timezone: "Etc/UTC".into(),
            mail: None,
        }
    }
}

/// Secrets that end with the container: the template is cleaned of whatever they encrypted.
fn throwaway(target: &MigrationTarget) -> Result<Secrets, account::AccountError> {
    Ok(Secrets {
        encryption_key: account::generate_key()?,
        jwt_secret: account::generate_key()?,
        database_password: target.password.clone(),
        redis_password: account::generate_key()?,
        smtp_password: SecretString::default(),
    })
}
