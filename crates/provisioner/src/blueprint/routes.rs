//! The routes that lead to a tenant.

use std::num::NonZeroU32;

use common::{error::Kind, operations::StepError};
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

/// Those to where it lives, or to what stands in for it: its subdomain, and its own domain if it has one.
pub fn routes(
    site: &Site,
    tenant: &Tenant,
    instances: &[Instance],
    stand_in: Option<StandIn>,
) -> Result<Vec<Route>, StepError> {
    let home = tenant.home.as_ref().ok_or_else(|| broken("the tenant has no place yet"))?;
    here(home.cluster(), &site.cluster)?;
    let hosts = std::iter::once(host_name(site, tenant)).chain(tenant.custom_domain.clone());
    hosts
        .map(|host| {
            let host: Host = host.parse().map_err(|_| broken("the tenant's address makes no route"))?;
            let (targets, workspace) = match home {
                Home::Dedicated(own) => (vec![side(own, instances)?], None),
                Home::Shared(part) => (vec![], Some(workspace(site, tenant, part, &host)?)),
            };
            let Tenant { id, purpose, generation, .. } = *tenant;
            Ok(Route { host, tenant: id, purpose, targets, workspace, formerly: None, stand_in, generation })
        })
        .collect()
}

fn broken(what: &'static str) -> StepError {
    StepError::failed(Kind::Internal, what)
}

fn side(home: &Dedicated, instances: &[Instance]) -> Result<Target, StepError> {
    let main = instances.iter().find(|i| i.place == Place::Main && i.color == home.color);
    let main = main.ok_or_else(|| broken("the tenant has no main instance"))?;
    let url = format!("http://{}:{}", main.name, n8n::launch::PORT);
    let url = url.parse().map_err(|_| broken("the main instance has no address"))?;
    Ok(Target { color: main.color, url, weight: 1 })
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
