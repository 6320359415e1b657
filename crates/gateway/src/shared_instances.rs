//! N8ns that tenants share, as callers ask for them and as they are shown.

use common::{
    id::TenantId,
    public_address::PublicAddress,
    tenant::{Subdomain, TenantStatus},
};
use serde::Serialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    http::{
        fields::{Fault, Field},
        request::request,
    },
    offer::Offer,
    problem::{Code, Problem},
    store::{external::Obstacle, shared_instances::SharedInstance},
    tenants::Region,
    vocabulary,
};

/// The plan that they are of: nobody else can ask for it.
pub const PLAN: &str = "shared";

request! {
    /// An n8n for tenants to share, as it is asked for.
    pub struct NewSharedInstance: Request<Offer> {
        /// What it is called, and the first label of its address; unique among living tenants.
        #[example = "shared-1"]
        name: Subdomain,
        /// Where it should be: the region of a cluster. Anywhere when absent.
        #[example = "eu-central"]
        region: Option<Region>,
        /// How many tenants may live in it; 500 when absent.
        #[example = 500]
        capacity: Capacity,
    }
}

/// How many tenants may live in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity(i32);

impl Capacity {
    /// So many are shown to do well together (ADR 36).
    const USUAL: i32 = 500;
    const MOST: i32 = 5000;

    /// The number itself.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl<R> Field<R> for Capacity {
    const REQUIRED: bool = false;

    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        // `2.0` is a whole number too.
        let whole = |number: &f64| number.fract() == 0.0 && (1.0..=f64::from(Self::MOST)).contains(number);
        let allowed = value.as_f64().filter(whole).map(|number| number as i32);
        let fault = || Fault::new("invalid_capacity", format!("must be a number from 1 to {}", Self::MOST));
        allowed.map(Self).ok_or_else(fault)
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Ok(Self(Self::USUAL))
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": Self::MOST })
    }
}

/// An n8n that tenants share.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SharedInstance)]
pub struct SharedInstanceView {
    /// Also the id of a tenant: what is done to one tenant (restart, scale, logs, events) is done to it at `/tenants/{id}`.
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    id: TenantId,
    #[schema(example = "shared-1")]
    name: String,
    /// `draining`: it works, and no more tenants are placed in it.
    #[schema(value_type = vocabulary::SharedInstanceState)]
    state: &'static str,
    /// How many tenants live in it.
    tenants: i64,
    /// How many may.
    capacity: i32,
    /// Where services call webhooks that n8n registers with them. Nobody signs in here.
    #[schema(example = "https://shared-1.flows.example")]
    address: String,
    region: Option<String>,
    /// Which cluster it is on, once it was placed.
    cluster: Option<String>,
    /// Of one that the platform does not run, the first release that has such tables; `0.0.0` before it was recognised.
    n8n_version: String,
    /// Of each of its containers: a main and its workers. Nothing, of one that the platform does not run.
    cpu_cores: Option<f64>,
    /// As above.
    memory_mb: Option<i32>,
    workers: Option<i32>,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// Why it failed, if it did.
    failure: Option<String>,
    /// Present for one that the platform does not run.
    external: Option<External>,
}

/// An n8n that the platform does not run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExternalSharedInstance)]
pub struct External {
    #[schema(example = "https://n8n.example.com/")]
    base_url: String,
    /// What keeps tenants out of it; nothing, if they may live in it.
    obstacles: Vec<Obstacle>,
}

impl SharedInstanceView {
    /// One of them, with the address it has here.
    pub fn new(instance: SharedInstance, public: &PublicAddress) -> Self {
        let ours = instance.base_url.is_none();
        let obstacles = instance.obstacles.clone().map(|told| told.0).unwrap_or_default();
        Self {
            id: instance.id,
            state: state(&instance),
            address: public.login_url(&instance.name),
            name: instance.name,
            tenants: instance.tenants,
            capacity: instance.capacity,
            region: instance.region,
            cluster: instance.cluster_id,
            n8n_version: instance.n8n_version,
            cpu_cores: ours.then_some(f64::from(instance.cpu_millis) / 1000.0),
            memory_mb: ours.then_some(instance.memory_mb),
            workers: ours.then_some(instance.workers),
            created_at: instance.created_at,
            failure: instance.failure,
            external: instance.base_url.map(|base_url| External { base_url, obstacles }),
        }
    }
}

fn state(instance: &SharedInstance) -> &'static str {
    let status = instance.status.0;
    if instance.draining && status == TenantStatus::Active { "draining" } else { status.as_str() }
}

/// What is said of one whose removal was accepted before.
pub fn removal_under_way() -> Problem {
    let detail = "It is being removed, or is removed already. `GET /operations?kind=tenant.delete` tells how far that is.";
    Problem::new(Code::RemovalUnderWay).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::request::Request, offer::sample};

    fn parse(body: &Value) -> Result<(String, i32), String> {
        let read = NewSharedInstance::of_body(body.to_string().as_bytes(), &sample());
        read.map(|new| (new.name.as_str().to_owned(), new.capacity.get()))
            .map_err(|problem| serde_json::to_value(problem.errors()).unwrap()[0]["code"].to_string())
    }

    #[test]
    fn a_name_is_enough_and_what_is_wrong_is_told() {
        assert_eq!(parse(&json!({ "name": "shared-1" })).unwrap(), ("shared-1".into(), 500));
        assert_eq!(parse(&json!({ "name": "one", "capacity": 20.0, "region": "us-east" })).unwrap().1, 20);
        for (body, code) in [
            (json!({}), "required"),
            (json!({ "name": "www" }), "reserved_subdomain"),
            (json!({ "name": "one", "capacity": 0 }), "invalid_capacity"),
            (json!({ "name": "one", "capacity": 1.5 }), "invalid_capacity"),
            (json!({ "name": "one", "capacity": "7" }), "invalid_capacity"),
            (json!({ "name": "one", "region": "nowhere" }), "unknown_region"),
            (json!({ "name": "one", "plan": "shared" }), "unknown_field"),
        ] {
            assert_eq!(parse(&body), Err(format!("\"{code}\"")), "{body}");
        }
    }
}
