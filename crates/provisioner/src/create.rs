//! Creating a tenant.

mod activate;
mod containers;
mod database;
mod drill;
mod network;
mod owner;
mod queue;
mod ready;
mod reserve;
mod restored;
mod route;
mod shared;

use common::{
    operations::{Saga, Step},
    tenant::Mode,
};
use wire::kinds::TenantCreate;

use crate::World;

pub use activate::settle;
pub use containers::{Renewal, ensure_all};
pub use database::{LIMIT as DATABASE_LIMIT, ensure as ensure_database};
pub use network::{lay as lay_network, remove as remove_network};
pub use owner::{names as owner_names, seed_key, seed_owner};
pub use queue::ensure as ensure_queue;
pub use ready::{READY, await_ready, bring_up};
pub use reserve::{fits, set_aside};
pub use route::{confirm, lead, lead_to, publish};

/// From a row to an n8n of its own, or a part of one, or a copy of one, that answers under the tenant's address.
pub struct CreateTenant;

/// Steps read what they need from the rows; nothing has to be handed on.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Nothing {}

impl Saga for CreateTenant {
    type World = World;
    type State = Nothing;
    type Request = TenantCreate;

    fn steps(&self, request: &TenantCreate) -> Vec<&dyn Step<Self>> {
        match (request.mode, request.from) {
            (Mode::Dedicated, None) => dedicated(),
            (Mode::Dedicated, Some(_)) => restored::line(request.drill.is_some()),
            (Mode::Shared, _) => shared::line(),
        }
    }
}

fn dedicated() -> Vec<&'static dyn Step<CreateTenant>> {
    vec![
        &reserve::Reserve,
        &database::Database,
        &queue::Queue,
        &owner::SeedOwner,
        &network::Network,
        &containers::Containers,
        &ready::Ready,
        &route::PublishRoute,
        &activate::Activate,
    ]
}
