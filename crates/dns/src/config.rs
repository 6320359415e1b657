//! Which name servers are asked.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use common::config::{Env, Section};

/// The port that name servers are asked on unless another one is said.
const PORT: u16 = 53;

/// The name servers that resolve names for us. None: the system's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameServers(Vec<SocketAddr>);

impl NameServers {
    /// Their addresses.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }
}

impl From<Vec<SocketAddr>> for NameServers {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self(addresses)
    }
}

/// A text that names no name servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be addresses such as `9.9.9.9,[2620:fe::fe]:53`")]
pub struct NameServersError;

impl FromStr for NameServers {
    type Err = NameServersError;

    fn from_str(text: &str) -> Result<Self, NameServersError> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(address).collect::<Option<_>>().map(Self).ok_or(NameServersError)
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    let alone = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT));
    text.parse().ok().or_else(alone)
}

impl Section for NameServers {
    fn read(env: &mut Env) -> Option<Self> {
        env.or("DNS_SERVERS", Self::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_addresses_with_or_without_a_port() {
        let read = |text: &str| text.parse::<NameServers>().map(|servers| servers.0);
        let expected = ["9.9.9.9:53", "127.0.0.1:5353", "[2620:fe::fe]:53", "[::1]:5353"];
        let expected: Vec<SocketAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(read("9.9.9.9, 127.0.0.1:5353,2620:fe::fe,[::1]:5353"), Ok(expected));
        assert_eq!(read(""), Ok(vec![]));
        for bad in ["dns.example.com", "9.9.9", "9.9.9.9:", "9.9.9.9:x", "9.9.9.9 1.1.1.1"] {
            assert_eq!(read(bad), Err(NameServersError), "{bad}");
        }
    }
}
