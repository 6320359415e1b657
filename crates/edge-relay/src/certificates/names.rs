//! Whether a name leads here. An issuer asks here for its proof: where the name leads elsewhere, an order can only fail.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use edge::Host;
use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
};

use crate::config::{Addresses, DnsServers};

/// For each of two tries.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The DNS.
pub struct Names(TokioResolver);

impl Names {
    /// As these servers tell it, or as the machine's do if there are none. Nothing is kept: who has just put their domain right waits for us.
    pub fn told_by(DnsServers(servers): &DnsServers) -> Result<Self, NetError> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = ANSWERS_WITHIN;
        options.attempts = 2;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        builder.build().map(Self)
    }

    /// Where it leads: nowhere also if nobody says.
    pub async fn addresses(&self, host: &Host) -> BTreeSet<IpAddr> {
        // With its last dot, or the machine's own domain would be tried behind it.
        let found = self.0.lookup_ip(format!("{host}.")).await;
        found.map(|found| found.iter().collect()).unwrap_or_default()
    }

    /// Where we are: as told, or where a tenant's name on the platform's own domain leads.
    pub async fn ours(&self, Addresses(told): &Addresses, tenant: Option<&Host>) -> BTreeSet<IpAddr> {
        match tenant {
            Some(tenant) if told.is_empty() => self.addresses(tenant).await,
            _ => told.iter().copied().collect(),
        }
    }
}

fn server(at: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(at.ip());
    server.connections.iter_mut().for_each(|connection| connection.port = at.port());
    server
}
