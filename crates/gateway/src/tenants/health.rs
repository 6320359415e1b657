//! How a tenant is.

use common::tenant::{Mode, TenantStatus};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::store::tenants::{Detailed, Instance, Shared, Trouble};

/// How a tenant is that should be running.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantHealth {
    status: HealthStatus,
    /// Since when it is unhealthy.
    #[serde(with = "rfc3339::option")]
    since: Option<OffsetDateTime>,
    /// What is wrong now, if it is unhealthy; nothing, while it is well again and has yet to be for two minutes.
    reasons: Vec<String>,
    /// Until when it is left alone, after heals in vain. What is missing is not brought back before.
    #[serde(with = "rfc3339::option")]
    healing_paused_until: Option<OffsetDateTime>,
}

/// How a tenant is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Everything runs and is well.
    Healthy,
    /// Something is not well at the moment; it is being healed, or recovers by itself.
    Degraded,
    /// Something is not well, and healing has not helped so far.
    Unhealthy,
    /// Nobody has seen it lately.
    Unknown,
}

impl TenantHealth {
    /// How it is; nothing for one that should not be running.
    pub fn of(detailed: &Detailed) -> Option<Self> {
        if detailed.tenant.status.0 != TenantStatus::Active {
            return None;
        }
        let healing_paused_until = detailed.trouble.as_ref().and_then(|trouble| trouble.paused_until);
        let trouble = detailed.trouble.as_ref().filter(|trouble| trouble.shown);
        if detailed.tenant.mode.0 == Mode::Shared {
            let shared = Self::sharing(detailed.shared.as_ref().filter(|_| detailed.fresh));
            return Some(Self { healing_paused_until, ..shared.with(trouble) });
        }
        Some(Self {
            status: status(trouble.is_some(), &detailed.instances),
            since: trouble.map(|trouble| trouble.since),
            reasons: trouble.map(|trouble| trouble.reasons.clone()).unwrap_or_default(),
            healing_paused_until,
        })
    }

    /// Its own part of that n8n may be in trouble too.
    fn with(self, trouble: Option<&Trouble>) -> Self {
        let Some(trouble) = trouble.filter(|_| self.status != HealthStatus::Unknown) else { return self };
        let reasons = [trouble.reasons.clone(), self.reasons].concat();
        Self { status: HealthStatus::Unhealthy, since: Some(trouble.since), reasons, ..self }
    }

    /// It is as well as the n8n that it shares, which is healed for all who do.
    fn sharing(shared: Option<&Shared>) -> Self {
        let (status, reason) = match shared {
            None => (HealthStatus::Unknown, None),
            Some(Shared { troubled: true, .. }) => {
                (HealthStatus::Unhealthy, Some("the n8n that it shares is unhealthy"))
            }
            Some(Shared { ready: true, .. }) => (HealthStatus::Healthy, None),
            Some(_) => (HealthStatus::Degraded, Some("the n8n that it shares is not ready")),
        };
        let reasons = reason.into_iter().map(str::to_owned).collect();
        Self { status, since: None, reasons, healing_paused_until: None }
    }
}

fn status(troubled: bool, instances: &[Instance]) -> HealthStatus {
    status_of(troubled, instances.iter())
}

/// How these containers are together.
pub fn status_of<'a>(
    troubled: bool,
    mut instances: impl Iterator<Item = &'a Instance> + Clone,
) -> HealthStatus {
    let known = |instance: &Instance| instance.fresh && instance.state != "unknown";
    let well = |instance: &Instance| {
        instance.state == "running" && matches!(instance.health.as_str(), "healthy" | "none")
    };
    // Of nothing there is nothing to be seen.
    if instances.clone().next().is_none() || !instances.clone().all(known) {
        HealthStatus::Unknown
    } else if troubled {
        HealthStatus::Unhealthy
    } else if instances.all(well) {
        HealthStatus::Healthy
    } else {
        HealthStatus::Degraded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(state: &str, health: &str, fresh: bool) -> Instance {
        Instance {
            name: "main".into(),
            role: "main".into(),
            color: "blue".into(),
            ordinal: 0,
            generation: 1,
            cpu_millis: 1000,
            memory_mb: 1024,
            state: state.into(),
            health: health.into(),
            seen_at: None,
            fresh,
            restarts: 0,
            last_restart_at: None,
            last_exit_code: None,
            oom_killed: false,
            oom_kills: 0,
        }
    }

    #[test]
    fn a_tenant_is_as_well_as_the_worst_of_its_containers() {
        let with = |other: Instance| status(false, &[instance("running", "healthy", true), other]);
        assert_eq!(with(instance("running", "healthy", true)), HealthStatus::Healthy);
        assert_eq!(with(instance("running", "none", true)), HealthStatus::Healthy);
        for health in ["starting", "unhealthy"] {
            assert_eq!(with(instance("running", health, true)), HealthStatus::Degraded, "{health}");
        }
        for state in ["absent", "created", "exited", "paused", "restarting", "removing"] {
            assert_eq!(with(instance(state, "none", true)), HealthStatus::Degraded, "{state}");
        }
        assert_eq!(with(instance("unknown", "unknown", true)), HealthStatus::Unknown);
        assert_eq!(with(instance("running", "healthy", false)), HealthStatus::Unknown);
    }

    #[test]
    fn of_one_that_nothing_runs_for_nobody_says_that_it_is_well() {
        assert_eq!(status(false, &[]), HealthStatus::Unknown);
        assert_eq!(status(true, &[]), HealthStatus::Unknown);
    }

    #[test]
    fn one_that_healing_does_not_help_stays_unhealthy_while_it_runs_and_is_seen() {
        assert_eq!(status(true, &[instance("running", "healthy", true)]), HealthStatus::Unhealthy);
        assert_eq!(status(true, &[instance("running", "healthy", false)]), HealthStatus::Unknown);
    }

    #[test]
    fn one_who_shares_an_n8n_is_as_well_as_that_and_as_its_own_part_of_it() {
        let shared =
            |troubled, ready| Shared { n8n_version: "2.41.1".to_owned(), instance: None, troubled, ready };
        let trouble = Trouble {
            since: OffsetDateTime::UNIX_EPOCH,
            reasons: vec!["its own".into()],
            shown: true,
            paused_until: None,
        };
        let seen = |shared: Option<Shared>, trouble: Option<&Trouble>| {
            let health = TenantHealth::sharing(shared.as_ref()).with(trouble);
            (health.status, health.since.is_some(), health.reasons.join("; "))
        };
        let none = String::new;
        assert_eq!(seen(Some(shared(false, true)), None), (HealthStatus::Healthy, false, none()));
        let own = (HealthStatus::Unhealthy, true, "its own".to_owned());
        assert_eq!(seen(Some(shared(false, true)), Some(&trouble)), own);
        let both = "its own; the n8n that it shares is not ready".to_owned();
        assert_eq!(seen(Some(shared(false, false)), Some(&trouble)), (HealthStatus::Unhealthy, true, both));
        assert_eq!(seen(None, Some(&trouble)), (HealthStatus::Unknown, false, none()), "nobody looks");
    }
}
