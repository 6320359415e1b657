//! `rp9 operations show`

use clap::Args;
use serde_json::Value;

use crate::{
    api::{Request, path},
    exit::Exit,
    failure::Failure,
    output::{Column, Sheet, lasted, made, moment, plain, status, text},
    setting::Setting,
};

pub(in crate::commands) const STEPS: &[Column] = &[
    text("STEP", "/name"),
    status("STATUS", "/status"),
    text("ATTEMPTS", "/attempts"),
    moment("STARTED", "/started_at"),
    made("TOOK", |step| {
        let moment = |name| step.get(name).and_then(Value::as_str);
        lasted(moment("started_at"), moment("finished_at")).unwrap_or_else(|| plain(None))
    }),
    text("LAST FAILURE", "/error/detail"),
];

#[derive(Debug, Args)]
pub struct Show {
    /// Its id
    operation: String,
}

impl Show {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let answer = setting.api()?.send(&Request::get(path(&["operations", &self.operation]))).await?;
        let output = &setting.output;
        let Some(data) = output.data(&answer.body, "/status")? else { return Ok(Exit::Done) };
        output.sheet(sheet(&data))?;
        output.entries(STEPS, &data["steps"])?;
        Ok(Exit::Done)
    }
}

fn sheet(data: &Value) -> Sheet {
    let error = |name: &str| data["error"].get(name);
    Sheet::new()
        .of("id", data.get("id"))
        .of("kind", data.get("kind"))
        .state("status", data.get("status"))
        .of("cancelled", data.get("cancelled").filter(|cancelled| cancelled.as_bool().unwrap_or_default()))
        .of("tenant", data.get("tenant_id"))
        .of("error", error("detail"))
        .of("hint", error("hint"))
        .of("because", error("cause"))
        .moment("created", data.get("created_at"))
        .moment("started", data.get("started_at"))
        .moment("finished", data.get("finished_at"))
}
