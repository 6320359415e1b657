//! A tenant's part of an n8n that it shares with others.

use std::num::NonZeroU32;

use common::{host::Host, id::TenantId, public_address::Scheme};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which n8n answers for the tenant, and what it is told about whom a call is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The n8n, as a tenant itself. Its sides are in its own route, so that they are looked at once and not for each who lives there; and a
    /// reader who does not know of workspaces finds no side here that it could lead anybody to.
    pub instance: TenantId,
    /// What the path of each of its webhooks begins with.
    pub prefix: Prefix,
    /// Who the tenant is in that n8n.
    pub user: Uuid,
    /// Where its people and its callers reach it.
    pub address: Address,
    /// How many calls an hour it may get for as long as they come without a pause.
    pub calls_per_hour: NonZeroU32,
}

impl Workspace {
    /// The header that names the tenant to the shared n8n. Nobody else's value of it reaches any n8n.
    pub const HEADER: &'static str = "x-rp9-shared-tenant";

    /// What it says there.
    pub fn header(&self) -> String {
        format!("{} {}", self.user, self.address)
    }
}

/// Of a tenant that shared an n8n before it had one of its own: what its callers' paths may still begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formerly {
    /// The n8n that it shared, as a tenant itself.
    pub instance: TenantId,
    /// What the path of each of its webhooks began with there.
    pub prefix: Prefix,
    /// Executions that waited when it left. What they were to be called by was told with that n8n's host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<u32>,
}

/// The id of a project in n8n: 16 letters and digits. Safe in a rule, a pattern and a path by construction.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(String);

common::parsed_text!(Prefix);

/// A text that is no prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 16 letters and digits")]
pub struct PrefixError;

impl std::str::FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let valid = text.len() == 16 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if valid { Ok(Self(text.to_owned())) } else { Err(PrefixError) }
    }
}

/// A scheme, a host and a port unless it is the scheme's own: nothing that could leave a header.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(String);

common::parsed_text!(Address);

/// A text that is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be http(s)://<host>, with :<port> if it is not the usual one")]
pub struct AddressError;

impl Address {
    /// The address of this host.
    pub fn of(host: &Host, scheme: Scheme, port: u16) -> Self {
        Self(scheme.url(host.as_str(), port))
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, authority) = text.split_once("://").ok_or(AddressError)?;
        let scheme: Scheme = scheme.parse().map_err(|_| AddressError)?;
        let usual = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| AddressError)?),
            None => (authority, usual),
        };
        let address = Self::of(&host.parse().map_err(|_| AddressError)?, scheme, port);
        // One spelling: the number would also be read from `+80` and `080`, and the usual one is not said.
        if address.0 == text { Ok(address) } else { Err(AddressError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_projects_are_prefixes_and_nothing_that_means_more_in_a_pattern() {
        assert_eq!("aB3dE6gH9jK2mN5p".parse::<Prefix>().unwrap().as_str(), "aB3dE6gH9jK2mN5p");
        let hostile = [
            "",
            "aB3dE6gH9jK2mN5",
            "aB3dE6gH9jK2mN5pp",
            "aB3dE6gH9jK2mN5.",
            "aB3dE6gH9jK2mN5|",
            "aB3dE6gH9jK2mN5`",
            "aB3dE6gH9jK2mN5/",
            "aB3dE6gH9jK2mN5$",
            "aB3dE6gH9jK2mN5\n",
            "aB3dE6gH9jK2mN-p",
            "aB3dE6gH9jK2m%2f",
            "aB3dE6gH9jK2mNä",
            "................",
        ];
        for text in hostile {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError), "{text:?}");
        }
    }

    #[test]
    fn an_address_has_one_spelling_and_stays_in_its_header() {
        for text in ["https://acme.example.com", "http://acme.localhost:8000", "http://acme.localhost:443"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
        let hostile = [
            "",
            "acme.localhost",
            "ftp://acme.localhost",
            "https://",
            "https://acme.localhost/",
            "https://acme.localhost:443",
            "http://acme.localhost:80",
            "http://acme.localhost:+8000",
            "http://acme.localhost:08000",
            "http://acme.localhost:",
            "http://acme.localhost:99999",
            "https://u@acme.localhost",
            "https://acme.localhost x",
            "https://acme.localhost\r\nx: y",
            "https://Acme.localhost",
        ];
        for text in hostile {
            assert_eq!(text.parse::<Address>(), Err(AddressError), "{text:?}");
        }
    }
}
