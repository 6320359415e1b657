//! `rp9 backups extract`

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use clap::Args;
use serde_json::{Value, value::RawValue};

use crate::{
    api::{Api, Request, path, with_query},
    exit::Exit,
    failure::Failure,
    output::{Column, Output, id, made, text, yes},
    setting::Setting,
};

const WORKFLOWS: &[Column] =
    &[id("WORKFLOW", "/id"), text("NAME", "/name"), made("ACTIVE", |kept| yes(kept.get("active")))];
const CREDENTIALS: &[Column] = &[id("CREDENTIAL", "/id"), text("NAME", "/name"), text("TYPE", "/type")];

/// Without a workflow or a credential: shows what there is
#[derive(Debug, Args)]
pub struct Extract {
    /// The backup's id
    backup: String,
    /// A workflow's id, or its name if only one is called so; may be repeated
    #[arg(long, value_name = "WORKFLOW", conflicts_with = "credentials")]
    workflow: Vec<String>,
    /// A credential's id, or its name if only one is called so; may be repeated
    #[arg(long = "credential", value_name = "CREDENTIAL")]
    credentials: Vec<String>,
    /// Where they are written to, as one array that `n8n import:workflow --input` takes; standard output when absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Extract {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let api = setting.api()?;
        let answer = api.send(&Request::get(path(&["backups", &self.backup, "contents"]))).await?;
        let (word, wanted) = if self.workflow.is_empty() {
            ("credential", &self.credentials)
        } else {
            ("workflow", &self.workflow)
        };
        if wanted.is_empty() {
            return show(&setting.output, &answer.body);
        }
        let mut contents: Value = serde_json::from_slice(&answer.body)?;
        let there = contents["data"][format!("{word}s")].take();
        let ids = wanted.iter().map(|wanted| one(&there, word, wanted)).collect::<Result<Vec<_>, _>>()?;
        let mut taken = Vec::new();
        for id in ids {
            taken.push(self.take(&api, word, id).await?);
        }
        let text = serde_json::to_vec(&taken)?;
        match &self.output {
            None => setting.output.document(&text)?,
            Some(file) => write(file, &text)?,
        }
        Ok(Exit::Done)
    }

    async fn take(&self, api: &Api, word: &'static str, id: String) -> Result<Box<RawValue>, Failure> {
        let target = with_query(&path(&["backups", &self.backup, "extract"]), &[(word, Some(id))]);
        Ok(serde_json::from_slice(&api.send(&Request::get(target)).await?.body)?)
    }
}

fn show(output: &Output, answer: &[u8]) -> Result<Exit, Failure> {
    if output.json {
        output.document(answer)?;
        return Ok(Exit::Done);
    }
    let mut data = serde_json::from_slice::<Value>(answer)?["data"].take();
    for (what, columns) in [("workflows", WORKFLOWS), ("credentials", CREDENTIALS)] {
        let Value::Array(kept) = data[what].take() else {
            output.notes.note(&format!("The backup was made without {what}."));
            continue;
        };
        match kept {
            kept if output.quiet => {
                kept.iter().try_for_each(|kept| output.line(kept["id"].as_str().unwrap_or_default()))?;
            }
            kept if kept.is_empty() => output.notes.note(&format!("The tenant had no {what}.")),
            kept => output.table(columns, &kept)?,
        }
    }
    if data["truncated"] == Value::Bool(true) {
        output.notes.note("There are more: each can be taken out by its id all the same.");
    }
    Ok(Exit::Done)
}

/// The id of what is meant. An id that is not listed may be beyond what is told.
fn one(there: &Value, word: &str, wanted: &str) -> Result<String, Failure> {
    let kept = there.as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |field: &'static str| kept.iter().filter(move |kept| kept[field] == wanted);
    let mut called = of("name");
    match (of("id").next(), called.next(), called.next()) {
        (None, Some(one), None) => Ok(one["id"].as_str().unwrap_or_default().to_owned()),
        (None, Some(_), Some(_)) => {
            Err(Failure::Usage(format!("Several {word}s are called {wanted:?}: name the one by its id.")))
        }
        _ => Ok(wanted.to_owned()),
    }
}

/// What is in a workflow is its owner's: nobody else on this machine reads it.
fn write(file: &PathBuf, text: &[u8]) -> Result<(), Failure> {
    let failed = || Failure::local(file.display().to_string());
    let mut created = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .map_err(failed())?;
    created.write_all(text).and_then(|()| created.sync_all()).map_err(failed())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_meant_is_found_by_its_id_or_its_only_name() {
        let there = json!([{ "id": "a", "name": "Orders" }, { "id": "b", "name": "Twice" }, { "id": "c", "name": "Twice" }]);
        assert_eq!(one(&there, "workflow", "Orders").unwrap(), "a");
        assert_eq!(one(&there, "workflow", "b").unwrap(), "b");
        assert_eq!(one(&there, "workflow", "not listed").unwrap(), "not listed");
        assert!(matches!(one(&there, "workflow", "Twice"), Err(Failure::Usage(_))));
        assert_eq!(one(&Value::Null, "workflow", "a").unwrap(), "a");
    }
}
