//! Where tenants are reached from outside: told once to every service that hands out their addresses or makes what answers there.

use std::str::FromStr;

use crate::{
    config::{Env, Section},
    host::Host,
};

/// How the outside speaks to tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The word before `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The address of a host, without a path. The port that is meant without being said is not.
    pub fn url(self, host: &str, port: u16) -> String {
        let usual = matches!((self, port), (Self::Http, 80) | (Self::Https, 443));
        let port = if usual { String::new() } else { format!(":{port}") };
        format!("{}://{host}{port}", self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err("must be `http` or `https`"),
        }
    }
}

/// What all tenants' addresses have in common. There is no usual one: whoever is not told would hand out addresses that lead nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    pub scheme: Scheme,
    /// Every tenant's address ends in it.
    pub domain: Host,
    /// As the outside sees it.
    pub port: u16,
}

impl Section for PublicAddress {
    fn read(env: &mut Env) -> Option<Self> {
        let (scheme, domain) = (env.required("PUBLIC_SCHEME"), env.required("TENANT_DOMAIN"));
        let port = env.required("PUBLIC_PORT");
        Some(Self { scheme: scheme?, domain: domain?, port: port? })
    }
}

impl PublicAddress {
    /// The name that a tenant is reached at.
    pub fn host(&self, subdomain: &str) -> String {
        format!("{subdomain}.{}", self.domain)
    }

    /// The address that a tenant's people sign in at.
    pub fn login_url(&self, subdomain: &str) -> String {
        self.scheme.url(&self.host(subdomain), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scheme: &str, domain: &str, port: &str) -> Result<PublicAddress, String> {
        let told = [("PUBLIC_SCHEME", scheme), ("TENANT_DOMAIN", domain), ("PUBLIC_PORT", port)];
        Env::of(told).load().map_err(|error| error.to_string())
    }

    #[test]
    fn the_usual_port_is_not_spelled_out() {
        let url = |scheme, port| read(scheme, "flows.example", port).unwrap().login_url("acme");
        assert_eq!(url("http", "8000"), "http://acme.flows.example:8000");
        assert_eq!(url("http", "80"), "http://acme.flows.example");
        assert_eq!(url("https", "443"), "https://acme.flows.example");
        assert_eq!(url("https", "80"), "https://acme.flows.example:80");
    }

    #[test]
    fn nothing_of_it_is_made_up() {
        let error = read("", "", "").unwrap_err();
        for name in ["PUBLIC_SCHEME", "TENANT_DOMAIN", "PUBLIC_PORT"] {
            assert!(error.contains(&format!("{name} is not set")), "{error}");
        }
        assert!(read("gopher", "Not A Domain", "0x50").unwrap_err().contains("3 problem(s)"));
    }
}
