//! The routes that lead to a tenant.

use std::num::NonZeroU32;

use common::{error::Kind, operations::StepError, tenant::Color};
use edge::{Address, Host, Route, StandIn, Target};

use super::host_name;
use crate::{
    config::Site,
    home::{Dedicated, Home, Workspace, here},
    store::{
        instances::{Instance, Place},
        tenants::Tenant,
    },
};

/// What answers for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// It does itself, where it lives.
    Itself,
    /// The process for webhooks of this side. No main does: everything else waits.
    Front(Color),
    /// What stands in for it.
    StandIn(StandIn),
}

impl Answers {
    /// What stands in for it, or else itself.
    pub fn of(stand_in: Option<StandIn>) -> Self {
        stand_in.map_or(Self::Itself, Self::StandIn)
    }

    const fn stand_in(self) -> Option<StandIn> {
        match self {
            Self::Itself | Self::Front(_) => None,
            Self::StandIn(stand_in) => Some(stand_in),
        }
    }
}

/// Those to where it lives, or to what stands in for it: its subdomain, and its own domain if it has one.
pub fn routes(
    site: &Site,
    tenant: &Tenant,
    instances: &[Instance],
    answers: Answers,
) -> Result<Vec<Route>, StepError> {
    let home = tenant.home.as_ref().ok_or_else(|| broken("the tenant has no place yet"))?;
    here(home.cluster(), &site.cluster)?;
    let hosts = std::iter::once(host_name(site, tenant)).chain(tenant.custom_domain.clone());
    hosts
        .map(|host| {
            let host: Host = host.parse().map_err(|_| broken("the tenant's address makes no route"))?;
            let (targets, workspace) = match home {
                Home::Dedicated(own) => (sides(own, instances, answers)?, None),
                Home::Shared(part) => (vec![], Some(workspace(site, tenant, part, &host)?)),
            };
            let Tenant { id, purpose, generation, .. } = *tenant;
            let stand_in = answers.stand_in();
            Ok(Route { host, tenant: id, purpose, targets, workspace, formerly: None, stand_in, generation })
        })
        .collect()
}

fn broken(what: &'static str) -> StepError {
    StepError::failed(Kind::Internal, what)
}

/// The main of the side that serves. The second side has a share of its webhooks, and of nothing else: what answers them knows nothing else.
fn sides(home: &Dedicated, instances: &[Instance], answers: Answers) -> Result<Vec<Target>, StepError> {
    let webhooks_only = |color, weight| -> Result<Target, StepError> {
        let front = target(instances, Place::Front, color, 0)?;
        Ok(Target { webhook_weight: Some(weight), ..front })
    };
    if let Answers::Front(color) = answers {
        return Ok(vec![webhooks_only(color, 1)?]);
    }
    let main = target(instances, Place::Main, home.color, 1)?;
    match home.sides().second_weight() {
        0 => Ok(vec![main]),
        weight => {
            let rest = u16::from(100 - weight.min(100));
            let main = Target { webhook_weight: Some(rest), ..main };
            Ok(vec![main, webhooks_only(home.sides().other(), u16::from(weight))?])
        }
    }
}

fn target(instances: &[Instance], place: Place, color: Color, weight: u16) -> Result<Target, StepError> {
    let found = instances.iter().find(|instance| instance.place == place && instance.color == color);
    let found = found.ok_or_else(|| broken("the tenant has no instance that answers"))?;
    let url = format!("http://{}:{}", found.name, n8n::launch::PORT);
    let url = url.parse().map_err(|_| broken("the instance that answers has no address"))?;
    Ok(Target { color, url, weight, webhook_weight: None })
}

fn workspace(
    site: &Site,
    tenant: &Tenant,
    part: &Workspace,
    host: &Host,
) -> Result<edge::Workspace, StepError> {
    let prefix =
        part.place.project.as_str().parse().map_err(|_| broken("the tenant's project makes no route"))?;
    Ok(edge::Workspace {
        instance: part.instance,
        prefix,
        user: part.place.user.0,
        address: Address::of(host, site.public.scheme, site.public.port),
        calls_per_hour: NonZeroU32::new(tenant.api_calls_per_hour).unwrap_or(NonZeroU32::MIN),
    })
}
