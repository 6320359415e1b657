//! `rp9 backups show`

use clap::Args;
use serde_json::Value;

use crate::{
    api::{Request, path},
    exit::Exit,
    failure::Failure,
    output::{Column, Sheet, bytes, id, joined, made, plain, text, yes},
    setting::Setting,
};

const OBJECTS: &[Column] = &[
    text("OBJECT", "/name"),
    text("HOLDS", "/what"),
    made("SIZE", |object| bytes(object.get("bytes"))),
    id("SHA-256", "/sha256"),
];

#[derive(Debug, Args)]
pub struct Show {
    /// Its id
    backup: String,
}

impl Show {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let answer = setting.api()?.send(&Request::get(path(&["backups", &self.backup]))).await?;
        let output = &setting.output;
        let Some(data) = output.data(&answer.body, "/status")? else { return Ok(Exit::Done) };
        output.sheet(sheet(&data))?;
        output.entries(OBJECTS, &data["manifest"]["objects"])?;
        Ok(Exit::Done)
    }
}

fn sheet(data: &Value) -> Sheet {
    let sheet = Sheet::new()
        .of("id", data.get("id"))
        .of("tenant", data.get("tenant_id"))
        .of("type", data.get("type"))
        .state("status", data.get("status"))
        .line("restorable", yes(data.get("restorable")))
        .line("includes", included(&data["includes"]))
        .of("path", data.get("path"))
        .moment("of", data.get("taken_at"))
        .moment("written", data.get("written_at"))
        .moment("verified", data.get("verified_at"))
        .moment("proven", data.get("proven_at"))
        .moment("failed", data.get("failed_at"))
        .moment("removed", data.get("removed_at"))
        .of("because", data.get("failure"))
        .moment("kept until", data.get("kept_until"))
        .line("held", yes(data.get("legal_hold")))
        .of("n8n", data["manifest"].get("n8n_version"))
        .of("has", data["manifest"].get("counts").map(counted).as_ref());
    let sheet = match data.get("bytes").filter(|bytes| !bytes.is_null()) {
        Some(size) => sheet.line("size", bytes(Some(size))),
        None => sheet,
    };
    sheet.of("operation", data.get("operation_id"))
}

fn included(includes: &Value) -> String {
    let names = includes.as_object().into_iter().flatten();
    let names =
        names.filter(|(_, included)| **included == Value::Bool(true)).map(|(name, _)| name.clone().into());
    joined(&names.collect::<Vec<_>>())
}

/// `3 workflows`, each.
fn counted(counts: &Value) -> Value {
    let counts = counts.as_object().into_iter().flatten();
    counts.map(|(name, count)| format!("{} {}", plain(Some(count)), name.replace('_', " "))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_it_has_is_told_in_words() {
        let includes = json!({ "database": true, "files": false, "workflows": true });
        assert_eq!(included(&includes), "database, workflows");
        assert_eq!(included(&json!({})), "-");
        assert_eq!(counted(&json!({ "workflows": 3 })), json!(["3 workflows"]));
    }
}
