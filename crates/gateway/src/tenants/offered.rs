//! What is chosen from what the platform offers, or must stay out of its way.

use common::tenant::{Mode, is_compliance_tag};
use edge::Host;
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

    fn offered(mode: Mode) -> Result<Self, Fault> {
        match mode {
            Mode::Dedicated => Ok(Self(mode)),
            Mode::Shared => Err(Fault::new(
                "shared_not_configured",
                "this installation has no shared n8n configured (the default mode): ask for `dedicated`",
            )),
        }
    }
}

impl<R> Field<R> for Hosting {
    const REQUIRED: bool = false;

    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        Self::offered(Mode::parse(text(&value)?)?)
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Self::offered(Mode::Shared)
    }

    fn schema() -> Value {
        <Mode as Text>::schema()
    }
}

/// A domain of the customer's own. Below ours it could take another tenant's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomDomain(Host);

impl CustomDomain {
    /// The domain in small letters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn outside_of(ours: &str, text: &str) -> Result<Self, Fault> {
        let lower = text.to_ascii_lowercase();
        let host: Host = lower.parse().map_err(|error| Fault::new("invalid_domain", error))?;
        let last_label = lower.rsplit('.').next().unwrap_or_default();
        if !lower.contains('.') || last_label.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::new("invalid_domain", "must be a full domain name, not an address"));
        }
        if lower == ours || lower.strip_suffix(ours).is_some_and(|rest| rest.ends_with('.')) {
            return Err(Fault::new("reserved_domain", "may not be a domain of the platform"));
        }
        Ok(Self(host))
    }
}

impl Field<Rules<'_>> for CustomDomain {
    fn read(value: Value, rules: &Rules<'_>) -> Result<Self, Fault> {
        Self::outside_of(rules.domain, text(&value)?)
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

/// What the customer must comply with, such as `gdpr` or `HIPAA`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compliance(Vec<String>);

impl Compliance {
    const MAX_TAGS: usize = 16;

    /// Each tag once, in the order they were given.
    pub fn tags(&self) -> &[String] {
        &self.0
    }
}

impl<R> Field<R> for Compliance {
    const REQUIRED: bool = false;

    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        let Value::Array(items) = value else {
            return Err(Fault::new("not_a_list", "must be a list of texts"));
        };
        if items.len() > Self::MAX_TAGS {
            return Err(Fault::new("too_many", format!("may hold at most {} tags", Self::MAX_TAGS)));
        }
        let mut tags = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let tag = item.as_str().filter(|tag| is_compliance_tag(tag));
            let fault = "must be 1 to 40 letters, digits, dots, hyphens and underscores";
            let tag = tag.ok_or_else(|| Fault::new("invalid_tag", fault).inside(index))?.to_owned();
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Self(tags))
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Ok(Self::default())
    }

    fn schema() -> Value {
        let tag = json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$" });
        json!({ "type": "array", "items": tag, "maxItems": Self::MAX_TAGS })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_domain_is_a_full_name_outside_of_ours() {
        let check = |text: &str| {
            CustomDomain::outside_of("flows.example", text).map(|domain| domain.as_str().to_owned())
        };
        assert_eq!(check("Flows.Customer.COM").unwrap(), "flows.customer.com");
        assert!(check("myflows.example").is_ok());
        let bad = [
            "",
            "localhost",
            "flows.example",
            "x.flows.example",
            "10.0.0.1",
            "a.1",
            "a`b.com",
            "a b.com",
            "a.com\r\nx",
            "*.a.com",
            "a.com.",
            "http://a.com",
            "a.com:80",
            "ä.com",
        ];
        for text in bad {
            assert!(check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn tags_are_short_words_and_kept_once() {
        let compliance = |value| Compliance::read(value, &());
        assert_eq!(compliance(json!(["gdpr", "HIPAA", "gdpr"])).unwrap().tags(), ["gdpr", "HIPAA"]);
        assert_eq!(compliance(json!(["ok", 7])).unwrap_err().steps, ["1"]);
        for bad in [json!("gdpr"), json!(["a b"]), json!([""]), json!(vec!["x"; 17]), json!({})] {
            assert!(compliance(bad.clone()).is_err(), "{bad}");
        }
    }
}
