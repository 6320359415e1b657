//! A route as it is read: a row of the table, and what its tenant's own rows add to it.

use std::num::NonZeroU32;

use common::id::{RecordId, TenantId};
use common::public_address::PublicAddress;
use common::tenant::Purpose;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Address, Formerly, Host, Route, StandIn, Target, Workspace};

/// What [`Row`] is made of.
macro_rules! columns {
    () => {
        "SELECT i.id AS record, r.host, r.tenant_id, t.purpose, r.targets, r.generation, r.stand_in,
                t.shared_instance, t.shared_project, t.shared_user,
                t.former_instance, t.former_project, t.former_waiting, l.api_calls_per_hour"
    };
}
pub(super) use columns;

/// Where those columns are.
macro_rules! routes {
    () => {
        "routes r LEFT JOIN tenants t ON t.id = r.tenant_id LEFT JOIN tenant_limits l ON l.tenant_id = t.id"
    };
}
pub(super) use routes;

#[derive(FromRow)]
pub(super) struct Row {
    pub record: RecordId,
    host: Option<String>,
    tenant_id: Option<TenantId>,
    purpose: Option<String>,
    targets: Option<Json<serde_json::Value>>,
    generation: Option<i64>,
    stand_in: Option<String>,
    shared_instance: Option<String>,
    shared_project: Option<String>,
    shared_user: Option<Uuid>,
    former_instance: Option<TenantId>,
    former_project: Option<String>,
    former_waiting: Option<Vec<i32>>,
    api_calls_per_hour: Option<i32>,
}

impl Row {
    /// `None` for a row that does not read, and for the one that is there when there are no routes.
    pub(super) fn read(self, public: &PublicAddress) -> Option<Route> {
        let (text, tenant) = (self.host.clone()?, self.tenant_id?);
        let route = self.route(tenant, public);
        if route.is_none() {
            tracing::error!(tenant_id = %tenant, host = text, "a row of the table of routes does not read");
        }
        route
    }

    fn route(self, tenant: TenantId, public: &PublicAddress) -> Option<Route> {
        let host: Host = self.host.as_deref()?.parse().ok()?;
        let targets: Vec<Target> = serde_json::from_value(self.targets.as_ref()?.0.clone()).ok()?;
        // A route with sides leads to them, whatever its tenant was before or is about to become.
        let shares = targets.is_empty() && self.shared_instance.is_some();
        let workspace = if shares { Some(self.workspace(&host, public)?) } else { None };
        let formerly = if shares { None } else { self.formerly(tenant) };
        let purpose = self.purpose.as_deref().map_or(Purpose::Customer, Purpose::of_record);
        let stand_in = self.stand_in.as_deref().map(StandIn::of_record);
        let generation = self.generation?;
        Some(Route { host, tenant, purpose, targets, workspace, formerly, stand_in, generation })
    }

    /// If that does not read, the tenant is not worse off than without it.
    fn formerly(&self, tenant: TenantId) -> Option<Formerly> {
        let (instance, project) = (self.former_instance?, self.former_project.as_deref()?);
        let prefix = project.parse().ok();
        if prefix.is_none() {
            tracing::error!(tenant_id = %tenant, "what a tenant's paths began with before does not read");
        }
        let waiting = self.former_waiting.iter().flatten().map(|id| id.unsigned_abs()).collect();
        Some(Formerly { instance, prefix: prefix?, waiting })
    }

    fn workspace(&self, host: &Host, public: &PublicAddress) -> Option<Workspace> {
        let calls = u32::try_from(self.api_calls_per_hour?).ok();
        Some(Workspace {
            instance: TenantId::from_uuid(self.shared_instance.as_deref()?.parse().ok()?),
            prefix: self.shared_project.as_deref()?.parse().ok()?,
            user: self.shared_user?,
            address: Address::of(host, public.scheme, public.port),
            calls_per_hour: calls.and_then(NonZeroU32::new)?,
        })
    }
}
