//! Whether a name leads here. An issuer asks here for its proof: where the name leads elsewhere, an order can only fail.

use std::{collections::BTreeSet, net::IpAddr};

use dns::{NameServers, Resolver, ResolverError, Unanswered};
use edge::Host;

use crate::config::Addresses;

/// The DNS.
pub struct Names(Resolver);

impl Names {
    /// As these servers tell it, or as the machine's do if there are none.
    pub fn told_by(servers: &NameServers) -> Result<Self, ResolverError> {
        Resolver::new(servers).map(Self)
    }

    /// Where it leads; nowhere also if those whose name it is do not know it any more. `None` if nobody says.
    pub async fn addresses(&self, host: &Host) -> Option<BTreeSet<IpAddr>> {
        match self.0.addresses(host.as_str()).await {
            Ok(found) => Some(found),
            Err(Unanswered::Refused(_)) => Some(BTreeSet::new()),
            Err(Unanswered::Late | Unanswered::Failed) => None,
        }
    }

    /// Where we are: as told, or where a tenant's name on the platform's own domain leads. `None` if that is not known.
    pub async fn ours(&self, Addresses(told): &Addresses, tenant: Option<&Host>) -> Option<BTreeSet<IpAddr>> {
        let ours = match tenant {
            Some(tenant) if told.is_empty() => self.addresses(tenant).await?,
            _ => told.iter().copied().collect(),
        };
        Some(ours).filter(|ours| !ours.is_empty())
    }
}
