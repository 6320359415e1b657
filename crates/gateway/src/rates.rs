//! How often one may ask: everything a subject does, and each action on each tenant, over all replicas together.
//!
//! Every caller is counted where their token is read ([`admit`]), so no authenticated route can be without it, and before anything is
//! looked up. An action is counted in the same round trip when the path names the tenant by an id that the caller may see.
//! Otherwise its tenant is known only once it was found, and it is counted then ([`admit_on`]): under the tenant's id, whichever name
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
    app::App,
    auth::Identity,
    exchange::Exchange,
    metrics,
    problem::{Code, Problem},
};

pub use config::RateConfig;
pub use headers::{RATE_LIMIT, RATE_LIMIT_POLICY};
pub use policy::{LimitStatus, Policy};

use local::Local;
use policy::{Counter, Figures};
use shared::Shared;

/// The counters.
pub struct Rates {
    shared: Shared,
    local: Local,
    figures: Figures,
}

impl Rates {
    /// Begins to count, and to look for Redis.
    pub fn start(config: RateConfig, tasks: &Tasks) -> Arc<Self> {
        let RateConfig { redis, figures, patience } = config;
        let rates = Arc::new(Self {
            shared: Shared::new(redis, figures, patience),
            local: Local::new(figures),
            figures,
        });
        let (connecting, stopping) = (rates.clone(), tasks.stopping());
        tasks.spawn("rates", async move {
            stopping.run_until_cancelled(connecting.shared.keep_connected()).await;
        });
        let forgetting = rates.clone();
        tasks.every(Interval::new("rates-forgetting", figures.window).not_at_once(), move || {
            forgetting.local.forget_the_idle();
            async { Ok::<_, Infallible>(()) }
        });
        rates
    }

    /// Whether all replicas count together at the moment.
    pub fn are_shared(&self) -> bool {
        self.shared.is_there()
    }

    /// Tells a caller where they stand.
    pub fn tell(&self, exchange: &Exchange, headers: &mut HeaderMap) {
        let limits = Policy::ALL.into_iter().filter_map(|policy| exchange.limit(policy));
        headers::tell(limits, self.figures.window, headers);
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

/// Counts a request whose caller is known; an error when there were too many. Once for each request, however often it is asked.
pub async fn admit(app: &App, parts: &Parts, identity: &Identity) -> Result<(), Problem> {
    let exchange = Exchange::of(&parts.extensions)?;
    let Some(rates) = app.rates.as_deref().filter(|_| exchange.limit(Policy::Subject).is_none()) else {
        return Ok(());
    };
    let subject = Counter::of_subject(identity);
    match tenant_in(parts.uri.path()).filter(|tenant| identity.scope().sees(Some(*tenant))) {
        Some(tenant) => rates.count(exchange, &[subject, action(parts, tenant)]).await,
        None => rates.count(exchange, &[subject]).await,
    }
}

/// Notes the tenant that a request is about, once it is sure that its caller may see it, and counts the action if that was not possible
/// before.
pub async fn admit_on(app: &App, parts: &Parts, tenant: TenantId) -> Result<(), Problem> {
    let exchange = Exchange::of(&parts.extensions)?;
    exchange.note_tenant(tenant);
    match app.rates.as_deref().filter(|_| exchange.limit(Policy::Action).is_none()) {
        Some(rates) => rates.count(exchange, &[action(parts, tenant)]).await,
        None => Ok(()),
    }
}

fn action(parts: &Parts, tenant: TenantId) -> Counter {
    let route = parts.extensions.get().map_or("", MatchedPath::as_str);
    Counter::of_action(tenant, &parts.method, route)
}

/// The tenant that a path names by its id.
fn tenant_in(path: &str) -> Option<TenantId> {
    path.strip_prefix("/tenants/")?.split('/').next()?.parse().ok()
}
