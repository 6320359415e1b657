//! `rp9 logs`

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::{
    api::{Api, Request, path, with_query},
    exit::Exit,
    failure::Failure,
    output::{Output, at, plain, printable},
    setting::Setting,
};

/// Each look is an entry in the audit log, and asks the tenant's engine.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Silence would look like waiting.
const NOTHING: &str =
    "No lines. Nothing runs for a tenant that is suspended or in the making: rp9 tenants show";

#[derive(Debug, Args)]
pub struct Logs {
    /// The tenant's id or subdomain
    tenant: String,
    /// `main` or `worker`; both when absent
    #[arg(long)]
    role: Option<String>,
    /// How many lines, at most 1000; 100 when absent
    #[arg(long, short = 'n', value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..=1000))]
    tail: Option<u32>,
    /// Only what was written after this moment, such as 2026-08-01T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    after: Option<String>,
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
}

impl Logs {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let (api, output) = (setting.api()?, &setting.output);
        if !self.follow {
            let body = self.read(&api, self.tail, self.after.as_deref()).await?;
            if output.json {
                output.document(&body)?;
            } else {
                let lines = lines(&body)?;
                show(output, &lines)?;
                if lines.is_empty() {
                    output.notes.note(NOTHING);
                }
            }
            return Ok(Exit::Done);
        }
        let (mut tail, mut after, mut told) = (self.tail, self.after.clone(), false);
        loop {
            let lines = lines(&self.read(&api, tail, after.as_deref()).await?)?;
            show(output, &lines)?;
            if lines.is_empty() && !std::mem::replace(&mut told, true) {
                output.notes.note(NOTHING);
            }
            if let Some(last) = lines.last().and_then(|line| line["at"].as_str()) {
                // From here on nothing is left out but what the API cannot give at once.
                (tail, after) = (Some(1000), Some(last.to_owned()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn read(&self, api: &Api, tail: Option<u32>, after: Option<&str>) -> Result<Vec<u8>, Failure> {
        let query = [
            ("role", self.role.clone()),
            ("tail", tail.map(|tail| tail.to_string())),
            ("after", after.map(str::to_owned)),
        ];
        let target = with_query(&path(&["tenants", &self.tenant, "logs"]), &query);
        Ok(api.send(&Request::get(target)).await?.body)
    }
}

fn lines(body: &[u8]) -> Result<Vec<Value>, Failure> {
    let mut document: Value = serde_json::from_slice(body)?;
    let lines = document.get_mut("data").and_then(Value::as_array_mut).map(std::mem::take);
    lines.ok_or_else(|| Failure::Garbled("there are no lines in it".to_owned()))
}

/// A line each, also as JSON: whoever follows has no document that ends.
fn show(output: &Output, lines: &[Value]) -> Result<(), Failure> {
    lines.iter().try_for_each(|line| {
        if output.json {
            return output.line(&line.to_string());
        }
        // What a tenant's workflows print is a stranger's.
        let text = printable(&plain(line.get("text")));
        if output.quiet {
            return output.line(&text);
        }
        output.line(&format!("{} {} {text}", at(line.get("at")), plain(line.get("instance"))))
    })
}
