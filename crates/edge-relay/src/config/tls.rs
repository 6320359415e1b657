//! What is told of TLS at the edge.

use std::{net::IpAddr, str::FromStr};

use common::config::{Env, Section};
use dns::NameServers;
use edge::Tls;

/// How TLS is spoken, and how its certificates are looked after.
#[derive(Debug)]
pub struct Keeping {
    pub tls: Tls,
    /// Traefik's entrypoint `websecure`: host and port.
    pub asked_at: String,
    pub addresses: Addresses,
    pub servers: NameServers,
}

/// Where callers find the edge; none: where tenants' names lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(pub Vec<IpAddr>);

impl FromStr for Addresses {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let addresses = words.map(str::parse).collect::<Result<_, _>>();
        addresses.map(Self).map_err(|_| "must be addresses, with commas between them")
    }
}

/// `None` in it: TLS is not spoken.
pub struct MaybeTls(pub Option<Keeping>);

impl Section for MaybeTls {
    fn read(env: &mut Env) -> Option<Self> {
        if !env.switch("EDGE_TLS", false)? {
            return Some(Self(None));
        }
        let (domain, port) = (env.required("TENANT_DOMAIN"), env.required("PUBLIC_PORT"));
        let (hsts, asked_at) = (env.or("EDGE_HSTS_SECONDS", 0), env.required("EDGE_TLS_PROBE"));
        let (addresses, servers) = (env.or("EDGE_ADDRESSES", Addresses(vec![])), NameServers::read(env));
        let (account, provider) =
            (env.optional::<String>("ACME_EMAIL"), env.optional::<String>("ACME_DNS_PROVIDER"));
        let (account, provider) = (account?.is_some(), provider?.is_some());
        if provider && !account {
            return env.problem("ACME_DNS_PROVIDER is of no use without ACME_EMAIL".to_owned());
        }
        let tls = Tls {
            domain: domain?,
            port: port?,
            hsts_seconds: hsts?,
            orders_wildcard: provider,
            orders_custom: account,
        };
        Some(Self(Some(Keeping { tls, asked_at: asked_at?, addresses: addresses?, servers: servers? })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("EDGE_TLS", "on"),
        ("TENANT_DOMAIN", "flows.example"),
        ("PUBLIC_PORT", "443"),
        ("EDGE_TLS_PROBE", "traefik:8443"),
    ];

    fn load(more: &[(&str, &str)]) -> Result<Keeping, String> {
        let env = Env::of(GOOD.into_iter().chain(more.iter().copied()));
        env.load::<MaybeTls>().map(|read| read.0.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_ordered_is_what_can_be() {
        let orders = |more: &[(&str, &str)]| load(more).map(|k| (k.tls.orders_wildcard, k.tls.orders_custom));
        let (account, provider) = (("ACME_EMAIL", "a@b.example"), ("ACME_DNS_PROVIDER", "httpreq"));
        assert_eq!(orders(&[]), Ok((false, false)));
        assert_eq!(orders(&[account]), Ok((false, true)));
        assert_eq!(orders(&[account, provider]), Ok((true, true)));
        assert!(orders(&[provider]).unwrap_err().contains("ACME_EMAIL"));
    }

    #[test]
    fn lists_are_read_and_what_is_none_is_told() {
        let keeping =
            load(&[("EDGE_ADDRESSES", "192.0.2.1, 2001:db8::1"), ("DNS_SERVERS", "127.0.0.1,[::1]:5353")])
                .unwrap();
        assert_eq!((keeping.addresses.0.len(), keeping.servers.addresses().len()), (2, 2));
        let error =
            load(&[("EDGE_ADDRESSES", "here"), ("DNS_SERVERS", "dns.example"), ("EDGE_HSTS_SECONDS", "-1")]);
        assert!(error.unwrap_err().contains("3 problem(s)"));
        assert!(Env::of([("EDGE_TLS", "off")]).load::<MaybeTls>().unwrap().0.is_none());
    }
}
