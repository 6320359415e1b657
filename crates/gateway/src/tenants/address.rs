//! How tenants are reached from outside.

use std::str::FromStr;

use common::config::{Env, Section};
use edge::Host;

/// How a tenant is reached from outside.
#[derive(Debug, Clone)]
pub struct PublicAddress {
    scheme: Scheme,
    domain: Host,
    port: u16,
}

impl Section for PublicAddress {
    fn read(env: &mut Env) -> Option<Self> {
        let scheme = env.or("PUBLIC_SCHEME", Scheme::Http);
        let domain = match "localhost".parse() {
            Ok(localhost) => env.or("TENANT_DOMAIN", localhost),
            Err(_) => env.required("TENANT_DOMAIN"),
        };
        let port = env.or("PUBLIC_PORT", 8000);
        Some(Self { scheme: scheme?, domain: domain?, port: port? })
    }
}

impl PublicAddress {
    /// The domain that every tenant's address ends in.
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }

    /// The address that a tenant's people sign in at.
    pub fn login_url(&self, subdomain: &str) -> String {
        let (scheme, usual_port) = match self.scheme {
            Scheme::Http => ("http", 80),
            Scheme::Https => ("https", 443),
        };
        let port = if self.port == usual_port { String::new() } else { format!(":{}", self.port) };
        format!("{scheme}://{subdomain}.{}{port}", self.domain)
    }
}

#[derive(Debug, Clone, Copy)]
enum Scheme {
    Http,
    Https,
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
