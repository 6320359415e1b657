//! Customers' own domains: their proofs are looked for, and tenants are reached by what was proven. Every replica does it, and none does what
//! another one does at that moment.

mod next;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{
    host::Host,
    operations::Wake,
    service::{Interval, Round, Tasks},
    tenant::CHALLENGE,
};
use dns::Dns;
use futures::future::join_all;
use metrics::{counter, describe_counter};
use sqlx::PgPool;

use crate::{
    config::Site,
    store::domains::{self, Claim, Proved},
};

pub use next::{GRACE, Next, Seen, Served, State, next};

/// How soon a request to look is followed, and how soon what was proven is served.
const EVERY: Duration = Duration::from_secs(1);

/// So many names are asked for at once.
const AT_ONCE: i64 = 32;

/// So many tenants get other addresses in one round.
const REROUTED_AT_ONCE: i64 = 5;

/// So many lapse in one round. The edge takes it for a mistake when many hosts go at once, and a month after this release those may that were
/// served before there were proofs.
const LAPSED_AT_ONCE: usize = 2;

const LOOKS: &str = "rp9_custom_domain_looks_total";

/// Looks after the domains of the tenants of one cluster.
pub struct Domains {
    pool: PgPool,
    dns: Arc<dyn Dns>,
    cluster: String,
    /// What tenants' other addresses end in.
    domain: Host,
    wake: Wake,
}

impl Domains {
    /// For the tenants of this site, by what these name servers say.
    pub fn new(pool: PgPool, dns: Arc<dyn Dns>, site: &Site, wake: Wake) -> Self {
        let (cluster, domain) = (site.cluster.to_string(), site.public.domain.clone());
        Self { pool, dns, cluster, domain, wake }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        describe_counter!(
            LOOKS,
            "Looks at the name servers of customers' own domains, by what came of them."
        );
        let rounds = Interval::new("domains", EVERY).from_its_end().spread();
        tasks.every(rounds.failing("customers' domains are looked at later"), self);
    }

    /// One round. What cannot be noted of one domain keeps nobody from noting the others.
    pub async fn look(&self) -> Result<(), sqlx::Error> {
        let due = domains::due(&self.pool, &self.cluster, AT_ONCE).await?;
        let lapsed = AtomicUsize::new(0);
        let looked = join_all(due.iter().map(|claim| self.look_for(claim, &lapsed))).await;
        let wrong =
            domains::misrouted(&self.pool, &self.cluster, self.domain.as_str(), REROUTED_AT_ONCE).await?;
        for tenant in wrong {
            if domains::reroute(&self.pool, tenant).await? {
                self.wake.now();
            }
        }
        looked.into_iter().collect()
    }

    async fn look_for(&self, claim: &Claim, lapsed: &AtomicUsize) -> Result<(), sqlx::Error> {
        let Claim { tenant_id, domain, state, looks, overdue, .. } = claim;
        let name = format!("{CHALLENGE}.{domain}");
        let seen = Seen::of(&name, &claim.token, self.dns.texts(&name).await);
        counter!(LOOKS, "outcome" => seen.as_str()).increment(1);
        let mut after = next(*state, looks.unsigned_abs(), *overdue, &seen);
        if after.state == State::Proven && *state != State::Proven {
            match domains::prove(&self.pool, claim, &after).await? {
                Proved::Theirs => {
                    tracing::info!(tenant_id = %tenant_id, domain, "the tenant has proven its domain");
                    return Ok(());
                }
                Proved::Nobodys => return Ok(()),
                Proved::Anothers => after = Next::taken(*state),
            }
        }
        if after.state == State::Lapsed
            && *state == State::Proven
            && lapsed.fetch_add(1, Ordering::Relaxed) >= LAPSED_AT_ONCE
        {
            after = after.postponed();
        }
        if after.state != *state {
            tracing::warn!(tenant_id = %tenant_id, domain, "the tenant's domain is not served any more: its proof is gone");
        }
        domains::note(&self.pool, claim, &after).await
    }
}

impl Round for Domains {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        self.look().await
    }
}
