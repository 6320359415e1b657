//! The certificates that callers are shown, and how the edge speaks TLS.

use std::collections::BTreeSet;
use std::fmt;

use crate::{Host, Route};

/// A certificate that callers are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certificate {
    /// For every name that is one word below this domain: one for all tenants.
    Wildcard(Host),
    /// For a domain of a customer's own.
    Custom(Host),
}

impl Certificate {
    /// The words for its kind. Traefik's certificate resolvers have the same names (`conf/traefik`).
    pub const KINDS: [&'static str; 2] = ["wildcard", "custom"];

    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        let [wildcard, custom] = Self::KINDS;
        match self {
            Self::Wildcard(_) => wildcard,
            Self::Custom(_) => custom,
        }
    }

    /// A name that it is for.
    pub fn example(&self) -> String {
        match self {
            Self::Wildcard(domain) => format!("certificate.{domain}"),
            Self::Custom(host) => host.to_string(),
        }
    }
}

/// The name as it stands in the certificate.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wildcard(domain) => write!(f, "*.{domain}"),
            Self::Custom(host) => write!(f, "{host}"),
        }
    }
}

/// How the edge speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The platform's own: a tenant's name is one word more, and every other name a customer's own.
    pub domain: Host,
    /// Where callers reach the entrypoint `websecure`: whoever speaks plainly is sent there.
    pub port: u16,
    /// For how many seconds browsers are told to come by TLS alone; 0: nothing is said.
    pub hsts_seconds: u32,
    /// Whether the platform's own certificate is ordered by Traefik. Otherwise it is a file of the operator's.
    pub orders_wildcard: bool,
    /// Whether customers' certificates are ordered.
    pub orders_custom: bool,
}

impl Tls {
    /// The certificates that these routes need.
    pub fn certificates(&self, routes: &[Route]) -> BTreeSet<Certificate> {
        let routes = routes.iter().filter(|route| route.mark().is_some());
        let own = Certificate::Wildcard(self.domain.clone());
        routes.map(|route| self.certificate_for(&route.host)).chain([own]).collect()
    }

    /// Whether Traefik is to order it.
    pub fn orders(&self, certificate: &Certificate) -> bool {
        match certificate {
            Certificate::Wildcard(_) => self.orders_wildcard,
            Certificate::Custom(_) => self.orders_custom,
        }
    }

    /// The certificate that is shown for this host.
    pub fn certificate_for(&self, host: &Host) -> Certificate {
        let word = host.as_str().strip_suffix(self.domain.as_str()).and_then(|rest| rest.strip_suffix('.'));
        match word {
            Some(word) if !word.contains('.') => Certificate::Wildcard(self.domain.clone()),
            _ => Certificate::Custom(host.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_certificate_is_for_all_names_a_word_below_the_domain_and_for_no_others() {
        let tls = Tls {
            domain: "flows.example".parse().unwrap(),
            port: 443,
            hsts_seconds: 0,
            orders_wildcard: true,
            orders_custom: true,
        };
        let name = |host: &str| tls.certificate_for(&host.parse().unwrap()).to_string();
        for host in ["acme.flows.example", "shared-1.flows.example"] {
            assert_eq!(name(host), "*.flows.example");
        }
        for host in ["flows.example", "a.b.flows.example", "acmeflows.example", "flows.acme.org", "example"] {
            assert_eq!(name(host), host);
        }
        assert_eq!(tls.certificates(&[]).len(), 1, "it is there before the first tenant");
    }
}
