//! What is chosen from what the platform offers.

use common::tenant::Mode;
use serde_json::{Value, json};

use crate::{
    http::fields::{Fault, Field, Text, text, texts},
    offer::Offer,
};

/// What requests are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub offer: &'a Offer,
    /// The domain that tenants' addresses end in.
    pub domain: &'a str,
}

impl AsRef<Offer> for Rules<'_> {
    fn as_ref(&self) -> &Offer {
        self.offer
    }
}

texts! {
    /// A plan that is offered.
    PlanName;
    /// A region that takes new tenants.
    Region;
    /// A region that has a cluster, whether or not that takes new tenants.
    KnownRegion;
    /// A cluster that is there.
    ClusterName;
}

/// What a plan or a cluster is called.
const IDENTIFIER: &str = "^[a-z0-9_-]{1,40}$";

impl<R: AsRef<Offer>> Field<R> for PlanName {
    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        one_of("unknown_plan", text(&value)?, &rules.as_ref().plan_names()).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": IDENTIFIER })
    }
}

impl<R: AsRef<Offer>> Field<R> for Region {
    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        one_of("unknown_region", text(&value)?, &rules.as_ref().regions()).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl<R: AsRef<Offer>> Field<R> for KnownRegion {
    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        one_of("unknown_region", text(&value)?, &rules.as_ref().known_regions()).map(Self)
    }

    fn schema() -> Value {
        <Region as Field<R>>::schema()
    }
}

impl<R: AsRef<Offer>> Field<R> for ClusterName {
    /// The others are not told: how the platform is built is nothing to its owners.
    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        let name = text(&value)?;
        let known = rules.as_ref().clusters.iter().find(|cluster| cluster.id == name);
        let unknown = || Fault::new("unknown_cluster", "there is no such cluster");
        known.map(|cluster| Self(cluster.id.clone())).ok_or_else(unknown)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": IDENTIFIER })
    }
}

/// How a new tenant is hosted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hosting(Mode);

impl Hosting {
    /// The mode of the tenant.
    pub fn mode(self) -> Mode {
        self.0
    }

    fn offered(mode: Mode, offer: &Offer) -> Result<Self, Fault> {
        match mode {
            Mode::Shared if !offer.shared => Err(Fault::new(
                "shared_not_configured",
                "there is no n8n for tenants to share (the default mode): ask for `dedicated`, or have an administrator make one \
                 (`rp9 shared create`)",
            )),
            Mode::Shared | Mode::Dedicated => Ok(Self(mode)),
        }
    }
}

impl<R: AsRef<Offer>> Field<R> for Hosting {
    const REQUIRED: bool = false;

    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        Self::offered(Mode::parse(text(&value)?)?, rules.as_ref())
    }

    fn absent(rules: &R) -> Result<Self, Fault> {
        Self::offered(Mode::Shared, rules.as_ref())
    }

    fn schema() -> Value {
        <Mode as Text>::schema()
    }
}

/// One of these, which are told otherwise.
fn one_of(code: &'static str, text: &str, known: &[&str]) -> Result<String, Fault> {
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        code,
        match known {
            [] => "there is none to choose yet".to_owned(),
            known => format!("must be one of: {}", known.join(", ")),
        },
    ))
}
