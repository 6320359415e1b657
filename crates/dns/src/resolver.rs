//! Asking name servers.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use async_trait::async_trait;
use hickory_resolver::{
    ResolverBuilder, TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{op::ResponseCode, rr::RData},
};

use crate::NameServers;

/// So long one name server may take, over UDP or TCP.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is asked again.
const REPEATS: usize = 1;

/// Nobody said whether there is anything. For people: names no server of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("the name servers did not answer in time")]
    Late,
    #[error("the name servers answered {0}")]
    Refused(String),
    #[error("the name servers could not be asked")]
    Failed,
}

/// Why nobody can be asked at all.
#[derive(Debug, thiserror::Error)]
#[error("the system does not say which name servers there are")]
pub struct ResolverError(#[source] NetError);

/// What name servers say.
#[async_trait]
pub trait Dns: Send + Sync {
    /// The texts (TXT) that this name has, each with its parts put together. None if it has none, or is none.
    async fn texts(&self, name: &str) -> Result<Vec<String>, Unanswered>;
}

/// Asks the name servers that resolve names for us.
pub struct Resolver(TokioResolver);

impl Resolver {
    /// Asks these, or the system's if there are none.
    pub fn new(servers: &NameServers) -> Result<Self, ResolverError> {
        let mut builder = match servers.addresses() {
            [] => TokioResolver::builder_tokio().map_err(ResolverError)?,
            addresses => of_servers(addresses),
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = REPEATS;
        options.use_hosts_file = ResolveHosts::Never;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // Whoever asks again wants to know what is so now.
        options.cache_size = 0;
        options.positive_max_ttl = Some(Duration::ZERO);
        options.negative_max_ttl = Some(Duration::ZERO);
        builder.build().map(Self).map_err(ResolverError)
    }

    /// The addresses that this name leads to, by both versions of IP. None if it has none, or is none.
    pub async fn addresses(&self, name: &str) -> Result<BTreeSet<IpAddr>, Unanswered> {
        let found = said(self.0.lookup_ip(format!("{name}.")).await)?;
        Ok(found.map(|found| found.iter().collect()).unwrap_or_default())
    }
}

fn of_servers(addresses: &[SocketAddr]) -> ResolverBuilder<TokioRuntimeProvider> {
    let server = |address: &SocketAddr| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = address.port();
            connection
        });
        NameServerConfig::new(address.ip(), true, connections.into())
    };
    let config = ResolverConfig::from_parts(None, vec![], addresses.iter().map(server).collect());
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
}

#[async_trait]
impl Dns for Resolver {
    async fn texts(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        // With the dot at its end it is never looked for below a search domain.
        let Some(found) = said(self.0.txt_lookup(format!("{name}.")).await)? else { return Ok(vec![]) };
        let texts = found.answers().iter().filter_map(|record| {
            let RData::TXT(text) = &record.data else { return None };
            Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned())
        });
        Ok(texts.collect())
    }
}

/// What was found, if there is anything. Whoever refuses, or fails, has not said that there is nothing.
fn said<T>(answer: Result<T, NetError>) -> Result<Option<T>, Unanswered> {
    let code = match answer {
        Ok(found) => return Ok(Some(found)),
        Err(NetError::Dns(DnsError::NoRecordsFound(found))) => found.response_code,
        Err(NetError::Dns(DnsError::ResponseCode(code))) => code,
        Err(NetError::Timeout) => return Err(Unanswered::Late),
        Err(_) => return Err(Unanswered::Failed),
    };
    let is_answer = matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
    if is_answer { Ok(None) } else { Err(Unanswered::Refused(code.to_str().to_owned())) }
}
