//! How often one may ask: everything a subject does, and each action on each tenant, over all replicas together.
//!
//! Every caller is counted where their token is read ([`Rates::admit`]), so no authenticated route can be without it, and before anything is
//! looked up. An action is counted in the same round trip when the path names the tenant by an id that the caller may see.
//! Otherwise its tenant is known only once it was found, and it is counted then ([`Rates::admit_on`]): under the tenant's id, whichever name
//! was used, and never by somebody to whom the tenant does not exist.
//!
//! While Redis is away each replica counts for itself.

mod config;
mod headers;
mod local;
mod policy;
mod shared;

use std::{convert::Infallible, sync::Arc};

use axum::extract::MatchedPath;
use common::{
    id::TenantId,
    service::{Interval, Tasks},
};
use http::{HeaderMap, HeaderValue, header, request::Parts};

use crate::{
    auth::Identity,
    exchange::Exchange,
    metrics,
    problem::{Code, Problem},
};

pub use config::{RateConfig, RedisLogin};
pub use headers::{RATE_LIMIT, RATE_LIMIT_POLICY};
pub use policy::{LimitStatus, Policy};

use local::Local;
use policy::{Counter, Figures};
use shared::Shared;

/// Limits on how often one may ask, or none.
#[derive(Clone)]
pub struct Rates(Option<Arc<Counters>>);

struct Counters {
    shared: Shared,
    local: Local,
    figures: Figures,
}

impl Rates {
    /// Begins to count, and to look for Redis. Without a configuration nobody is limited.
    pub fn start(config: Option<RateConfig>, tasks: &Tasks) -> Self {
        Self(config.map(|config| Counters::start(config, tasks)))
    }

    /// Whether all replicas count together at the moment, if anything is counted.
    pub fn are_shared(&self) -> Option<bool> {
        self.0.as_ref().map(|counters| counters.shared.is_there())
    }

    /// Counts by this login from now on, the next time that there is no connection.
    pub fn put_login(&self, RedisLogin(client): RedisLogin) {
        if let (Some(counters), Some(client)) = (&self.0, client) {
            counters.shared.put_client(client);
        }
    }

    /// Tells a caller where they stand.
    pub fn tell(&self, exchange: &Exchange, headers: &mut HeaderMap) {
        if let Some(counters) = &self.0 {
            let limits = Policy::ALL.into_iter().filter_map(|policy| exchange.limit(policy));
            headers::tell(limits, counters.figures.window, headers);
        }
    }

    /// Counts a request whose caller is known; an error when there were too many. Once for each request, however often it is asked.
    pub async fn admit(&self, parts: &Parts, identity: &Identity) -> Result<(), Problem> {
        let exchange = Exchange::of(&parts.extensions)?;
        let Some(counters) = self.not_counted(exchange, Policy::Subject) else { return Ok(()) };
        let subject = Counter::of_subject(identity);
        match tenant_in(parts.uri.path()).filter(|tenant| identity.scope().sees(Some(*tenant))) {
            Some(tenant) => counters.count(exchange, &[subject, action(parts, tenant)]).await,
            None => counters.count(exchange, &[subject]).await,
        }
    }

    /// Notes the tenant that a request is about, once it is sure that its caller may see it, and counts the action if that was not
    /// possible before.
    pub async fn admit_on(&self, parts: &Parts, tenant: TenantId) -> Result<(), Problem> {
        let exchange = Exchange::of(&parts.extensions)?;
        exchange.note_tenant(tenant);
        match self.not_counted(exchange, Policy::Action) {
            Some(counters) => counters.count(exchange, &[action(parts, tenant)]).await,
            None => Ok(()),
        }
    }

    /// The counters, where this request is not counted under this policy.
    fn not_counted(&self, exchange: &Exchange, policy: Policy) -> Option<&Counters> {
        self.0.as_deref().filter(|_| exchange.limit(policy).is_none())
    }
}

impl Counters {
    fn start(config: RateConfig, tasks: &Tasks) -> Arc<Self> {
        let RateConfig { redis, figures, patience } = config;
        let counters = Arc::new(Self {
            shared: Shared::new(redis, figures, patience),
            local: Local::new(figures),
            figures,
        });
        let (connecting, stopping) = (counters.clone(), tasks.stopping());
        tasks.spawn("rates", async move {
            stopping.run_until_cancelled(connecting.shared.keep_connected()).await;
        });
        let forgetting = counters.clone();
        tasks.every(Interval::new("rates-forgetting", figures.window).not_at_once(), move || {
            forgetting.local.forget_the_idle();
            async { Ok::<_, Infallible>(()) }
        });
        counters
    }

    async fn count(&self, exchange: &Exchange, counters: &[Counter]) -> Result<(), Problem> {
        let limits = match self.shared.count(counters).await {
            Some(limits) => limits,
            None => self.local.count(counters),
        };
        limits.iter().for_each(|limit| exchange.note_limit(*limit));
        match limits.last() {
            Some(refused) if !refused.admitted => {
                metrics::rate_limited(refused.policy);
                Err(throttled(refused))
            }
            _ => Ok(()),
        }
    }
}

fn throttled(limit: &LimitStatus) -> Problem {
    let whose = match limit.policy {
        Policy::Subject => "Too many requests of this subject.",
        Policy::Action => "Too many such requests for this tenant.",
    };
    Problem::new(Code::Throttled)
        .detail(whose)
        .header(header::RETRY_AFTER, HeaderValue::from(limit.resets_in_seconds()))
}

fn action(parts: &Parts, tenant: TenantId) -> Counter {
    let route = parts.extensions.get().map_or("", MatchedPath::as_str);
    Counter::of_action(tenant, &parts.method, route)
}

/// The tenant that a path names by its id.
fn tenant_in(path: &str) -> Option<TenantId> {
    path.strip_prefix("/tenants/")?.split('/').next()?.parse().ok()
}
