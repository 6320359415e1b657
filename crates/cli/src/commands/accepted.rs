//! What a change was answered with, and following what it began.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::{Answer, Api, Request},
    args::Waiting,
    exit::Exit,
    failure::Failure,
    follow::{self, End},
    setting::Setting,
};

/// The answer to a change: what it is about, and the operation that does it, if one is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Accepted {
    pub tenant_id: Option<String>,
    pub backup_id: Option<String>,
    pub promotion_id: Option<String>,
    pub operation_id: Option<String>,
    pub status: Option<String>,
    pub login_url: Option<String>,
    pub sandbox: Option<String>,
    pub sandbox_url: Option<String>,
    /// It was so, or being done, before.
    pub already: bool,
}

/// A change that is on its way.
#[derive(Debug)]
pub struct Carried {
    pub accepted: Accepted,
    pub exit: Exit,
}

impl Accepted {
    /// Reads it, wrapped in `data` or not.
    fn read(body: &[u8]) -> Result<Self, Failure> {
        let mut document: Value = serde_json::from_slice(body)?;
        let inner = document.get_mut("data").map(Value::take);
        Ok(serde_json::from_value(inner.unwrap_or(document))?)
    }
}

/// Sends a change, shows its answer, and follows what it began to the end that is wanted.
pub async fn carry_out(
    setting: &Setting,
    request: &Request,
    waiting: &Waiting,
    wanted: End,
) -> Result<Carried, Failure> {
    let api = setting.api()?;
    let answer = send(setting, &api, request).await?;
    let accepted = Accepted::read(&answer.body)?;
    show(setting, &answer, &accepted)?;
    let exit = match &accepted.operation_id {
        Some(operation) if answer.status != 200 => {
            if waiting.no_wait {
                setting.output.notes.note(&format!("To follow it: rp9 operations watch {operation}"));
                Exit::Done
            } else {
                follow::follow(&api, &setting.output.notes, operation, wanted).await?
            }
        }
        Some(_) | None => Exit::Done,
    };
    Ok(Carried { accepted, exit })
}

/// Sends a change under its key, which is told to whoever wants to know.
pub async fn send(setting: &Setting, api: &Api, request: &Request) -> Result<Answer, Failure> {
    let notes = &setting.output.notes;
    notes.detail(&format!("{} {}", request.method, request.target));
    if let Some(key) = &request.idempotency_key {
        notes.detail(&format!("idempotency key: {key}"));
    }
    let answer = api.send(request).await?;
    if answer.replayed {
        notes.note("This was accepted before; the answer is the one from then.");
    }
    Ok(answer)
}

fn show(setting: &Setting, answer: &Answer, accepted: &Accepted) -> Result<(), Failure> {
    let output = &setting.output;
    if output.json {
        return output.document(&answer.body);
    }
    let Accepted { tenant_id, backup_id, promotion_id, sandbox, operation_id, status, already, .. } =
        accepted;
    if output.quiet {
        return match operation_id.as_ref().or(tenant_id.as_ref()) {
            Some(id) => output.line(id),
            None => Ok(()),
        };
    }
    if answer.status == 200 {
        let status = status.as_deref().map(|status| format!(": {status}")).unwrap_or_default();
        return output.line(&format!("It is so already{status}."));
    }
    let said = [
        ("tenant", tenant_id),
        ("backup", backup_id),
        ("promotion", promotion_id),
        ("sandbox", sandbox),
        ("operation", operation_id),
    ];
    let said = said.iter().filter_map(|(name, id)| id.as_ref().map(|id| format!("{name} {id}")));
    let said = said.collect::<Vec<_>>().join(", ");
    output.line(&match already {
        true => format!("It is being done already, since somebody asked before: {said}"),
        false => format!("accepted: {said}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_wrapped_or_not() {
        for body in [r#"{"operation_id":"op_1","more":1}"#, r#"{"data":{"operation_id":"op_1"}}"#] {
            assert_eq!(Accepted::read(body.as_bytes()).unwrap().operation_id.as_deref(), Some("op_1"));
        }
        assert!(Accepted::read(b"<html>").is_err());
    }
}
