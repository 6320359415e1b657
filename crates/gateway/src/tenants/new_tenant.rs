//! A request for a tenant, read from its body.

use common::tenant::{Mode, Subdomain, SubdomainError};
use edge::Host;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Email, metadata::metadata, words};
use crate::{
    http::fields::{Fault, Fields},
    offer::Offer,
    problem::Problem,
};

/// What requests are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub offer: &'a Offer,
    /// The domain that tenants' addresses end in.
    pub domain: &'a str,
}

/// A tenant as asked for: everything in it was checked.
#[derive(Debug, Clone)]
pub struct NewTenant {
    pub name: String,
    pub email: Email,
    pub subdomain: Subdomain,
    pub mode: Mode,
    pub plan: String,
    pub region: Option<String>,
    pub custom_domain: Option<Host>,
    pub compliance: Vec<String>,
    pub metadata: Value,
}

/// The body of `POST /tenants`, for the description of the API. It is read field by field, so that every error is told
/// at once.
#[derive(Debug, ToSchema)]
#[schema(as = NewTenant)]
#[expect(dead_code, reason = "describes the body; the fields are read by NewTenant::parse")]
pub struct NewTenantBody {
    /// For people; 1 to 120 characters.
    #[schema(example = "Acme Ltd", min_length = 1, max_length = 120)]
    name: String,
    /// The owner's, who signs in with it.
    #[schema(example = "ada@acme.example", format = "email")]
    email: String,
    /// The first label of its address; unique among living tenants.
    #[schema(example = "acme", min_length = 3, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    subdomain: String,
    /// How it is hosted; `shared` when absent.
    #[schema(example = "dedicated", nullable = true)]
    mode: Option<String>,
    /// What it may use.
    #[schema(example = "pro")]
    plan: String,
    /// Where it should be: the region of a cluster. Anywhere when absent.
    #[schema(example = "eu-central")]
    region: Option<String>,
    /// A domain of its own, in addition.
    #[schema(example = "flows.acme.example")]
    custom_domain: Option<String>,
    /// What the cluster it is on must comply with, whatever the case of the letters.
    #[schema(example = json!(["gdpr"]), max_items = 16)]
    compliance: Option<Vec<String>>,
    /// Kept and given back; an object of at most 4 kB, with its numbers written out. Whole numbers up to 2^53 - 1, longer ones as texts.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

impl NewTenant {
    /// Reads a body, or tells everything that is wrong with it.
    pub fn parse(body: &[u8], rules: &Rules<'_>) -> Result<Self, Problem> {
        let mut fields = Fields::of_body(body)?;
        let name = fields.required("name", words::name);
        let email = fields.required("email", |text| text.parse().map_err(|e| Fault::new("invalid_email", e)));
        let subdomain = fields.required("subdomain", subdomain);
        let mode = read_mode(&mut fields);
        let plan =
            fields.required("plan", |text| words::one_of("unknown_plan", text, &rules.offer.plan_names()));
        let region =
            fields.optional("region", |text| words::one_of("unknown_region", text, &rules.offer.regions()));
        let custom_domain = fields.optional("custom_domain", |text| words::custom_domain(text, rules.domain));
        let compliance = fields.value("compliance", words::compliance);
        let metadata = fields.value("metadata", metadata);
        fields.finish()?;
        let parts = (|| {
            Some(Self {
                name: name?,
                email: email?,
                subdomain: subdomain?,
                mode: mode?,
                plan: plan?,
                region: region?,
                custom_domain: custom_domain?,
                compliance: compliance?.unwrap_or_default(),
                metadata: metadata?.unwrap_or_else(|| json!({})),
            })
        })();
        // Every missing part left an error behind, which `finish` has told.
        parts.ok_or_else(|| Problem::fields(Vec::new()))
    }
}

fn read_mode(fields: &mut Fields) -> Option<Mode> {
    let mode = fields.optional("mode", |text| text.parse().map_err(|e| Fault::new("unknown_mode", e)))?;
    match mode.unwrap_or(Mode::Shared) {
        Mode::Dedicated => Some(Mode::Dedicated),
        Mode::Shared => fields.fault("mode", no_shared_n8n()),
    }
}

fn no_shared_n8n() -> Fault {
    Fault::new(
        "shared_not_configured",
        "this installation has no shared n8n configured (the default mode): ask for `dedicated`",
    )
}

fn subdomain(text: &str) -> Result<Subdomain, Fault> {
    text.parse().map_err(|error| {
        let code = match error {
            SubdomainError::Length => "invalid_length",
            SubdomainError::Characters => "invalid_characters",
            SubdomainError::Reserved => "reserved_subdomain",
        };
        Fault::new(code, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::sample;

    fn parse(body: &Value) -> Result<NewTenant, Vec<(String, String)>> {
        let rules = Rules { offer: &sample(), domain: "flows.example" };
        NewTenant::parse(body.to_string().as_bytes(), &rules).map_err(|problem| {
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
        assert_eq!((tenant.subdomain.as_str(), tenant.mode, tenant.region), ("acme", Mode::Dedicated, None));
        assert_eq!(tenant.metadata, json!({}));
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let body = json!({
            "name": "", "email": "a", "subdomain": "www", "plan": "gold", "mode": "hybrid", "region": "ap-south",
            "custom_domain": "x.flows.example", "compliance": ["a b"], "metadata": [], "is_admin": true
        });
        let told = parse(&body).unwrap_err();
        let expected = [
            ("/name", "invalid_length"),
            ("/email", "invalid_email"),
            ("/subdomain", "reserved_subdomain"),
            ("/mode", "unknown_mode"),
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
    fn without_a_shared_n8n_the_mode_must_be_said() {
        let mut body = good();
        for mode in [json!("shared"), Value::Null] {
            body["mode"] = mode;
            assert_eq!(parse(&body).unwrap_err(), [("/mode".to_owned(), "shared_not_configured".to_owned())]);
        }
    }
}
