//! `rp9 tenants update`

use clap::{ArgGroup, Args};
use reqwest::Method;
use serde_json::{Map, Value};

use super::{create::object, domain};
use crate::{
    api::{Request, path},
    args::Sending,
    commands::accepted::send,
    exit::Exit,
    failure::Failure,
    output::{joined, plain},
    setting::Setting,
};

/// What may change, by its flags.
const WHAT: [&str; 10] = [
    "name",
    "email",
    "region",
    "no_region",
    "custom_domain",
    "no_custom_domain",
    "compliance",
    "no_compliance",
    "metadata",
    "no_metadata",
];

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(WHAT))]
pub struct Update {
    /// Its id or subdomain
    tenant: String,
    /// For people
    #[arg(long)]
    name: Option<String>,
    /// Where its owner is written to; what they sign in with is changed in n8n
    #[arg(long)]
    email: Option<String>,
    /// Where it should be: the region that it lives in
    #[arg(long, conflicts_with = "no_region")]
    region: Option<String>,
    /// It may be anywhere
    #[arg(long)]
    no_region: bool,
    /// A domain of its own, instead of the one it had: a claim, which is served once it is proven
    #[arg(long, value_name = "DOMAIN", conflicts_with = "no_custom_domain")]
    custom_domain: Option<String>,
    /// No domain of its own: it is not served there any more, at once
    #[arg(long)]
    no_custom_domain: bool,
    /// What its cluster must comply with, instead of what it had to; may be given several times
    #[arg(long, value_name = "TAG", conflicts_with = "no_compliance")]
    compliance: Vec<String>,
    /// Its cluster need not comply with anything
    #[arg(long)]
    no_compliance: bool,
    /// A JSON object that is kept and given back, instead of the one that was
    #[arg(long, value_name = "JSON", value_parser = object, conflicts_with = "no_metadata")]
    metadata: Option<Map<String, Value>>,
    /// Nothing is kept any more
    #[arg(long)]
    no_metadata: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Update {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.sending.idempotency_key.clone();
        let request = Request::change(Method::PATCH, path(&["tenants", &self.tenant]), key);
        let answer = send(setting, &setting.api()?, &request.json(&self.body())?).await?;
        let output = &setting.output;
        if output.json {
            output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        if output.quiet {
            output.line(&plain(document.pointer("/data/tenant/id")))?;
            return Ok(Exit::Done);
        }
        let changed = document["changed"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = plain(document.pointer("/data/tenant/subdomain"));
        output.line(&match changed {
            [] => format!("{name} is so already"),
            changed => format!("changed of {name}: {}", joined(changed)),
        })?;
        if changed.iter().any(|field| field == "custom_domain") {
            domain::advise(output, &document["data"]["custom_domain"])?;
        }
        Ok(Exit::Done)
    }

    /// `null` takes something away.
    fn body(&self) -> Map<String, Value> {
        let said = |text: &Option<String>| text.clone().map(Value::from);
        let compliance = Some(&self.compliance).filter(|tags| !tags.is_empty());
        let fields = [
            ("name", said(&self.name), false),
            ("email", said(&self.email), false),
            ("region", said(&self.region), self.no_region),
            ("custom_domain", said(&self.custom_domain), self.no_custom_domain),
            ("compliance", compliance.map(|tags| tags.clone().into()), self.no_compliance),
            ("metadata", self.metadata.clone().map(Value::from), self.no_metadata),
        ];
        let meant = |(name, said, none): (&str, Option<Value>, bool)| {
            let value = if none { Some(Value::Null) } else { said };
            value.map(|value| (name.to_owned(), value))
        };
        fields.into_iter().filter_map(meant).collect()
    }
}
