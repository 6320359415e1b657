//! `rp9 keys create`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    api::{Answer, Api, Request, path, unix_seconds},
    args::Sending,
    commands::accepted::send,
    exit::Exit,
    failure::Failure,
    output::{Sheet, plain},
    setting::Setting,
};

/// What every id of a tenant begins with, and no subdomain.
const TENANT_ID: &str = "ten_";

#[derive(Debug, Args, Serialize)]
pub struct Create {
    /// For people, and for the audit log
    name: String,
    /// `admin`, `operator`, `service` or `owner`: your own, or one that may less
    #[arg(long)]
    role: String,
    /// A tenant that exists for an owner's key, by its id or subdomain; may be given several times
    #[arg(long = "tenant", value_name = "TENANT")]
    #[serde(skip)]
    tenants: Vec<String>,
    /// One thing that it may do, such as `tenants:read`; may be given several times, and is all but making keys when absent
    #[arg(long = "scope", value_name = "SCOPE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    /// For how many days it is good; as long as can be when absent
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    #[serde(skip)]
    days: Option<u16>,
    #[command(flatten)]
    #[serde(skip)]
    sending: Sending,
}

impl Create {
    /// Does it. The key goes to standard output; what is said of it does not.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let api = setting.api()?;
        let body = self.body(&api).await?;
        let request =
            Request::change(Method::POST, "/keys", self.sending.idempotency_key.clone()).json(&body)?;
        let answer = send(setting, &api, &request).await?;
        show(setting, &answer)?;
        Ok(Exit::Done)
    }

    async fn body(&self, api: &Api) -> Result<Value, Failure> {
        let mut body = serde_json::to_value(self)?;
        let mut ids = Vec::new();
        for tenant in &self.tenants {
            ids.push(id_of(api, tenant).await?);
        }
        if !ids.is_empty() {
            body["tenants"] = json!(ids);
        }
        if let Some(days) = self.days {
            body["expires_at"] = in_days(days).into();
        }
        Ok(body)
    }
}

/// As the API takes moments.
fn in_days(days: u16) -> String {
    let now = i64::try_from(unix_seconds()).unwrap_or_default();
    let now = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // The years of our lives have four digits.
    (now + Duration::days(days.into())).format(&Rfc3339).unwrap_or_default()
}

async fn id_of(api: &Api, tenant: &str) -> Result<String, Failure> {
    if tenant.starts_with(TENANT_ID) {
        return Ok(tenant.to_owned());
    }
    let answer = api.send(&Request::get(path(&["tenants", tenant]))).await?;
    let document: Value = serde_json::from_slice(&answer.body)?;
    Ok(plain(document.pointer("/data/tenant/id")))
}

fn show(setting: &Setting, answer: &Answer) -> Result<(), Failure> {
    let output = &setting.output;
    if output.json {
        return output.document(&answer.body);
    }
    let document: Value = serde_json::from_slice(&answer.body)?;
    let (key, data) = (document.get("key").filter(|key| !key.is_null()), &document["data"]);
    if output.quiet {
        return output.line(&plain(key));
    }
    let sheet =
        Sheet::new().of("id", data.get("id")).of("name", data.get("name")).of("role", data.get("role"));
    output.sheet(sheet.of("expires", data.get("expires_at")).of("key", key))?;
    match key {
        Some(_) => output.notes.note("The key is shown this once. Keep it, or hand it to `rp9 login`."),
        None => output
            .notes
            .warn("the key was shown when it was made, and is not again: revoke this one and make another"),
    }
    Ok(())
}
