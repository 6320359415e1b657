//! `rp9 tenants verify-domain`, and what is said of a tenant's own domain.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::{
    api::{Request, path},
    args::Sending,
    commands::accepted::send,
    exit::Exit,
    failure::Failure,
    output::{Output, Sheet, at, plain},
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct VerifyDomain {
    /// Its id or subdomain
    tenant: String,
    #[command(flatten)]
    sending: Sending,
}

impl VerifyDomain {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let target = path(&["tenants", &self.tenant, "custom-domain", "verify"]);
        let request = Request::change(Method::POST, target, self.sending.idempotency_key.clone());
        let answer = send(setting, &setting.api()?, &request).await?;
        let output = &setting.output;
        if output.json {
            output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        let domain = plain(document["data"].get("domain"));
        output.line(&if output.quiet {
            domain
        } else {
            let when = at(document["data"].get("next_look_at"));
            format!("{domain} is looked for at {when}. What came of it: rp9 tenants show {}", self.tenant)
        })?;
        Ok(Exit::Done)
    }
}

/// How far a claim has come, and what to set where.
pub fn told(sheet: Sheet, claim: &Value) -> Sheet {
    if claim.is_null() {
        return sheet;
    }
    let record = |name: &str| {
        let part = |part| plain(claim[name].get(part));
        format!("{} {} {}", part("name"), part("type"), part("value"))
    };
    let mut sheet = sheet
        .of("custom domain", claim.get("domain"))
        .state("domain is", claim.get("state"))
        .line("proven by", record("proof"))
        .line("leads here by", record("pointer"))
        .moment("served until", claim.get("served_until"));
    if !claim["looked_at"].is_null() {
        let found = claim.get("reason").filter(|reason| !reason.is_null());
        let found = found.map_or("it is proven".to_owned(), |reason| plain(Some(reason)));
        sheet = sheet.line("last look", format!("{}: {found}", at(claim.get("looked_at"))));
    }
    sheet.moment("next look", claim.get("next_look_at"))
}

/// What to do after a domain was claimed.
pub fn advise(output: &Output, claim: &Value) -> Result<(), Failure> {
    if claim.is_null() {
        return Ok(());
    }
    output.sheet(told(Sheet::new(), claim))?;
    output.notes.note(
        "Once the first record is set: rp9 tenants verify-domain. Until then nobody is led here by it.",
    );
    Ok(())
}
