//! What the provisioner is told.

mod compliance;
mod external;
mod mail;

use std::path::PathBuf;

use common::{
    config::{Env, Section},
    public_address::PublicAddress,
    secrets::MasterKeys,
};
use dns::NameServers;
use edge::Inner;
use engine::ClusterId;
use ipnet::Ipv4Net;
use n8n::{AdminUrls, Version};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use wire::sizing;

pub use compliance::Compliance;
pub use external::{ExternalSettings, OptionalExternal};
use mail::{Mailer, OptionalMailer};

use crate::engine_trust::TakeOver;

/// The shared servers, by the role under which the engine finds them and the name tenants reach them by.
pub const SHARED: [&str; 3] = ["edge", "postgres", "redis"];

/// The length of a tenant's subnet. Of its 16 addresses three are the network's own and the engine's; the rest hold two mains, the most
/// workers that there may be, and the shared servers (ADR 37).
pub const SUBNET_LENGTH: u8 = 28;
const _: () = assert!(
    (1 << (32 - SUBNET_LENGTH)) - 3 >= 2 + sizing::MOST_WORKERS as usize + SHARED.len(),
    "a tenant's subnet holds all its containers"
);

/// One gateway and one provisioner with their usual pools hold 80; the rest is for the moment's connections that make and look.
const PLATFORM_CONNECTIONS: u32 = 100;

/// What holds for every tenant of this cluster.
#[derive(Debug, Clone)]
pub struct Site {
    pub cluster: ClusterId,
    pub region: String,
    pub compliance: Compliance,
    /// Tenants' networks are cut from this range; the first cut is the platform's own.
    pub subnets: Ipv4Net,
    /// Where n8n's images come from. Which of them a container gets, its tenant's row says.
    pub images: String,
    /// Where its tenants are reached.
    pub public: PublicAddress,
    /// What tenants' n8n sends mail through.
    pub mailer: Option<Mailer>,
    /// Connections to the tenants' server that are not for tenants: the record is usually on the same one.
    pub platform_connections: u32,
}

impl Site {
    /// Tells what this cluster's configuration puts into every tenant's containers from what another would. Stands in a label, so of the
    /// password for mail it has no more than shows that it was changed.
    pub fn settings(&self) -> String {
        let PublicAddress { domain, scheme, port } = &self.public;
        let scheme = scheme.as_str();
        let mail = self.mailer.as_ref().map(|mailer| &mailer.mail);
        let password = self.mailer.as_ref().and_then(|mailer| mailer.password.as_ref());
        let password = password.map_or(String::new(), |password| digest(password.expose_secret()));
        let told = digest(&format!("{domain} {scheme} {port} {mail:?}"));
        [told.get(..16), password.get(..4)].into_iter().flatten().collect()
    }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Everything this service reads.
pub struct Config {
    pub site: Site,
    pub docker_host: String,
    /// What we show to an engine on another machine, and what we know it by.
    pub docker_certificates: Option<PathBuf>,
    pub pull_images: bool,
    pub admins: AdminUrls,
    /// An n8n that somebody else runs, for tenants to share.
    pub external: OptionalExternal,
    pub edge_probe_url: String,
    pub edge_inner_url: Inner,
    /// Whom the texts are asked from that prove whose a domain is.
    pub name_servers: NameServers,
    pub master_keys: MasterKeys,
    /// The record that this one may take the engine over from.
    pub take_over: Option<TakeOver>,
    /// Operations driven at once.
    pub operations: usize,
    /// How many at once by all provisioners together.
    pub cluster_operations: u32,
}

impl Site {
    /// Whether a tenant that asks to be in this region, and must comply with these, may be here.
    pub fn suits(&self, region: Option<&str>, compliance: &[String]) -> bool {
        region.is_none_or(|region| region == self.region)
            && compliance.iter().all(|tag| self.compliance.tags().contains(&tag.to_ascii_lowercase()))
    }

    /// The image of this version.
    pub fn image(&self, version: Version) -> String {
        format!("{}:{version}", self.images)
    }
}

impl Section for Site {
    fn read(env: &mut Env) -> Option<Self> {
        let cluster = env.required("CLUSTER_ID");
        let region = env.or("CLUSTER_REGION", "local".to_owned());
        let compliance = env.or("CLUSTER_COMPLIANCE", Compliance::default());
        let subnets: Option<Ipv4Net> =
            env.or("TENANT_SUBNETS", Ipv4Net::new_assert([10, 201, 0, 0].into(), 16));
        let images = env.or("N8N_IMAGE", "n8nio/n8n".to_owned());
        let public = PublicAddress::read(env);
        let mailer = OptionalMailer::read(env);
        let platform_connections = env.or("PLATFORM_CONNECTIONS", PLATFORM_CONNECTIONS);
        let subnets = match subnets {
            Some(range) if range.prefix_len() >= SUBNET_LENGTH || range.trunc() != range => {
                env.problem(format!("TENANT_SUBNETS must be a network wider than /{SUBNET_LENGTH}"))
            }
            other => other,
        };
        Some(Self {
            cluster: cluster?,
            region: region?,
            compliance: compliance?,
            subnets: subnets?,
            images: images?,
            public: public?,
            mailer: mailer?.0,
            platform_connections: platform_connections?,
        })
    }
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let site = Site::read(env);
        let docker_host = env.or("DOCKER_HOST", "unix:///var/run/docker.sock".to_owned());
        let docker_certificates = env.optional("DOCKER_CERT_PATH");
        let pull_images = env.switch("PULL_IMAGES", false);
        let admins = AdminUrls::read(env);
        let external = OptionalExternal::read(env);
        let edge_probe_url = env.required("EDGE_PROBE_URL");
        let edge_inner_url = env.required("EDGE_INNER_URL");
        let name_servers = NameServers::read(env);
        let master_keys = MasterKeys::read(env);
        let take_over = env.optional("ENGINE_TAKE_OVER");
        let operations = env.or("OPERATIONS_AT_ONCE", 8);
        let cluster_operations = env.or("CLUSTER_OPERATIONS_AT_ONCE", 64);
        Some(Self {
            site: site?,
            docker_host: docker_host?,
            docker_certificates: docker_certificates?,
            pull_images: pull_images?,
            admins: admins?,
            external: external?,
            edge_probe_url: edge_probe_url?,
            edge_inner_url: edge_inner_url?,
            name_servers: name_servers?,
            master_keys: master_keys?,
            take_over: take_over?,
            operations: operations?,
            cluster_operations: cluster_operations?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Vec<(&'static str, &'static str)> {
        vec![
            ("CLUSTER_ID", "local"),
            ("TENANT_DOMAIN", "localhost"),
            ("PUBLIC_SCHEME", "http"),
            ("PUBLIC_PORT", "8000"),
        ]
    }

    #[test]
    fn a_site_reads_from_its_variables() {
        let site = Env::of(environment()).load::<Site>().unwrap();
        assert_eq!((site.cluster.as_str(), site.public.port), ("local", 8000));
    }

    #[test]
    fn what_containers_get_of_the_configuration_is_told_from_anything_else() {
        let mail = [
            ("TENANT_SMTP_HOST", "mail.example.com"),
            ("TENANT_SMTP_SENDER", "flows@example.com"),
            ("TENANT_SMTP_USER", "flows"),
            ("TENANT_SMTP_PASSWORD", "one"),
        ];
        let settings = |more: &[(&'static str, &'static str)]| {
            let variables =
                environment().into_iter().filter(|(name, _)| more.iter().all(|(other, _)| name != other));
            Env::of(variables.chain(more.iter().copied())).load::<Site>().unwrap().settings()
        };
        let without = settings(&[]);
        assert_eq!(settings(&[("CLUSTER_REGION", "elsewhere")]), without, "no container gets that");
        let with = settings(&mail);
        let mut another = mail;
        another[3].1 = "two";
        let all = [without, with, settings(&another), settings(&[("PUBLIC_PORT", "80")])];
        let different = all.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(different, all.len(), "{all:?}");
    }

    #[test]
    fn a_range_that_cannot_be_cut_into_tenants_networks_is_a_problem() {
        for range in ["10.0.0.0/28", "10.0.0.1/16", "everything"] {
            let variables = environment().into_iter().chain([("TENANT_SUBNETS", range)]);
            let error = Env::of(variables).load::<Site>().unwrap_err();
            assert!(error.to_string().contains("TENANT_SUBNETS"), "{range}: {error}");
        }
    }

    #[test]
    fn whoever_sets_it_up_finds_all_that_it_reads() {
        let names =
            common::service::names_read::<Config>(Env::of([("TENANT_SMTP_HOST", "mail.example.com")]));
        assert!(names.len() > 30, "{names:?}");
        assert_eq!(testkit::settings::unheard_of(&names), [""; 0]);
    }
}
