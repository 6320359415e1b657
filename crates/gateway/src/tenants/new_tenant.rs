//! A request for a tenant.

use common::{
    tenant::{Mode, Subdomain},
    version::Version,
};

use super::{
    Email, Release,
    compliance::Compliance,
    custom_domain::CustomDomain,
    metadata::Metadata,
    offered::{Hosting, PlanName, Region, Rules},
    words::Name,
};
use crate::{
    http::request::request,
    problem::{FieldError, Pointer, Problem},
};

request! {
    /// A tenant as it is asked for.
    pub struct NewTenant: Request<Rules<'_>> {
        /// For people; 1 to 120 characters.
        #[example = "Acme Ltd"]
        name: Name,
        /// Where its owner is written to. Of a tenant that is `dedicated` also what the owner signs in with; of others `initial-login` says with what.
        #[example = "ada@acme.example"]
        email: Email,
        /// The first label of its address; unique among living tenants.
        #[example = "acme"]
        subdomain: Subdomain,
        /// How it is hosted; `shared` when absent.
        #[example = "dedicated"]
        mode: Hosting,
        /// Which n8n it runs, of those that tenants may run; with `mode: dedicated` alone. The platform's usual one when absent.
        #[example = "2.41.1"]
        n8n_version: Option<Release>,
        /// What it may use.
        #[example = "pro"]
        plan: PlanName,
        /// Where it should be: the region of a cluster. Anywhere when absent.
        #[example = "eu-central"]
        region: Option<Region>,
        /// A domain of its own, in addition.
        #[example = "flows.acme.example"]
        custom_domain: Option<CustomDomain>,
        /// What the cluster it is on must comply with, whatever the case of the letters.
        #[example = ["gdpr"]]
        compliance: Compliance,
        /// Kept and given back; an object of at most 4 kB, with its numbers written out. Whole numbers up to 2^53 - 1, longer ones as texts.
        metadata: Metadata,
    }
}

impl NewTenant {
    /// Which n8n it is to run, where this is the usual one. Those who share one have no choice.
    pub fn version(&self, usual: Version) -> Result<Version, Problem> {
        match (self.n8n_version, self.mode.mode()) {
            (None, Mode::Shared | Mode::Dedicated) => Ok(usual),
            (Some(release), Mode::Dedicated) => Ok(release.version()),
            (Some(_), Mode::Shared) => {
                let why = "belongs to `mode: dedicated`: whoever shares an n8n runs what that one runs";
                Err(Problem::fields(vec![FieldError::new(Pointer::to("n8n_version"), "contradicts", why)]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        http::request::Request,
        offer::{Offer, sample},
    };

    fn parse(body: &Value) -> Result<NewTenant, Vec<(String, String)>> {
        let rules = Rules { offer: &sample(), domain: "flows.example" };
        NewTenant::of_body(body.to_string().as_bytes(), &rules).map_err(|problem| {
            let errors = serde_json::to_value(problem.errors()).unwrap();
            let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
            errors.as_array().unwrap().iter().map(|e| (text(e, "pointer"), text(e, "code"))).collect()
        })
    }

    fn good() -> Value {
        json!({ "name": "Acme", "email": "a@b.co", "subdomain": "acme", "plan": "pro", "mode": "dedicated" })
    }

    #[test]
    fn the_smallest_request_has_five_fields() {
        let tenant = parse(&good()).unwrap();
        assert_eq!(
            (tenant.subdomain.as_str(), tenant.mode.mode(), tenant.region),
            ("acme", Mode::Dedicated, None)
        );
        assert_eq!(tenant.metadata.as_json(), &json!({}));
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let body = json!({
            "name": "", "email": "a", "subdomain": "www", "plan": "gold", "mode": "hybrid", "n8n_version": "latest", "region": "ap-south",
            "custom_domain": "x.flows.example", "compliance": ["a b"], "metadata": [], "is_admin": true
        });
        let told = parse(&body).unwrap_err();
        let expected = [
            ("/name", "invalid_length"),
            ("/email", "invalid_email"),
            ("/subdomain", "reserved_subdomain"),
            ("/mode", "unknown_mode"),
            ("/n8n_version", "unknown_version"),
            ("/plan", "unknown_plan"),
            ("/region", "unknown_region"),
            ("/custom_domain", "reserved_domain"),
            ("/compliance/0", "invalid_tag"),
            ("/metadata", "not_an_object"),
            ("/is_admin", "unknown_field"),
        ];
        assert_eq!(told, expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
    }

    #[test]
    fn a_tenant_shares_an_n8n_unless_it_asks_for_one_of_its_own_or_there_is_none() {
        let mut body = good();
        for mode in [json!("shared"), Value::Null] {
            body["mode"] = mode;
            assert_eq!(parse(&body).unwrap().mode.mode(), Mode::Shared);
            let without = Offer { shared: false, ..sample() };
            let rules = Rules { offer: &without, domain: "flows.example" };
            let refused = NewTenant::of_body(body.to_string().as_bytes(), &rules).unwrap_err();
            let errors = serde_json::to_value(refused.errors()).unwrap();
            assert_eq!(
                (&errors[0]["pointer"], &errors[0]["code"]),
                (&json!("/mode"), &json!("shared_not_configured"))
            );
        }
    }

    #[test]
    fn which_n8n_it_runs_is_chosen_by_who_has_one_of_its_own() {
        let (usual, older) = (Version::new(2, 41, 1), Version::new(2, 40, 7));
        let mut body = good();
        assert_eq!(parse(&body).unwrap().version(usual).unwrap(), usual);
        body["n8n_version"] = json!("2.40.7");
        assert_eq!(parse(&body).unwrap().version(usual).unwrap(), older);
        for shared in [json!("shared"), Value::Null] {
            body["mode"] = shared;
            let refused = parse(&body).unwrap().version(usual).unwrap_err();
            let errors = serde_json::to_value(refused.errors()).unwrap();
            let told = (&errors[0]["pointer"], &errors[0]["code"]);
            assert_eq!(told, (&json!("/n8n_version"), &json!("contradicts")));
        }
        body["n8n_version"] = Value::Null;
        assert_eq!(parse(&body).unwrap().version(usual).unwrap(), usual);
    }
}
