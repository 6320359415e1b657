//! `rp9 health`

use clap::Args;
use serde_json::{Value, json};

use crate::{
    api::{Api, Request, Trouble},
    exit::Exit,
    failure::{Away, Failure},
    output::{Column, moment, plain, status, text},
    setting::Setting,
};

const PARTS: &[Column] = &[text("PART", "/name"), status("STATE", "/state")];
pub(in crate::commands) const CLUSTERS: &[Column] = &[
    text("CLUSTER", "/id"),
    status("PROVISIONER", "/provisioner"),
    moment("LAST SEEN", "/last_seen_at"),
    text("DETAIL", "/detail"),
];

#[derive(Debug, Args)]
pub struct Health {}

impl Health {
    /// Looks once: how it is now is the question. Ends with 8 when something that is needed is down.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let body = look(&setting.api()?).await?;
        let document: Value = serde_json::from_slice(&body)?;
        let output = &setting.output;
        if output.json {
            output.document(&body)?;
        } else if output.quiet {
            output.line(&plain(document.get("status")))?;
        } else {
            output.table(PARTS, &parts(&document))?;
            let clusters = document["clusters"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !clusters.is_empty() {
                output.line("")?;
                output.table(CLUSTERS, clusters)?;
            }
        }
        Ok(if document["status"] == "down" { Exit::Unwell } else { Exit::Done })
    }
}

/// It is the same document when something is down, under another status.
async fn look(api: &Api) -> Result<Vec<u8>, Failure> {
    let trouble = match api.attempt(&Request::get("/health/detailed")).await {
        Ok(answer) => return Ok(answer.body),
        Err(trouble) => trouble,
    };
    match trouble {
        Trouble::Busy { refusal, .. } if is_told(&refusal.body) => Ok(refusal.body),
        Trouble::Refused(refusal) => Err(Failure::Refused(refusal)),
        last @ (Trouble::Busy { .. } | Trouble::Unreachable(_)) => {
            let waited = std::time::Duration::ZERO;
            Err(Failure::Away(Box::new(Away {
                base: api.base().to_owned(),
                last,
                waited,
                idempotency_key: None,
            })))
        }
    }
}

fn is_told(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|document| document.get("dependencies").is_some())
}

/// The whole first, then what it stands on.
fn parts(document: &Value) -> Vec<Value> {
    let whole = json!({ "name": "API", "state": document["status"] });
    let dependencies = document["dependencies"].as_object().into_iter().flatten();
    let rest = dependencies.map(|(name, state)| json!({ "name": name, "state": state }));
    [whole].into_iter().chain(rest).collect()
}
