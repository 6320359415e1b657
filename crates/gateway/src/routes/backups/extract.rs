//! `GET /backups/{id}/extract`

use axum::{
    Extension,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use common::{cluster::ClusterId, id::BackupId};
use http::header;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use wire::{AskExtract, Extracted};

use crate::{
    app::App,
    audit::Entry,
    auth::{Access, BackupOf, Role},
    exchange::Exchange,
    http::{
        fields::{Fault, Text},
        request::{Request, request},
    },
    problem::{Answered, Code, FieldError, Pointer, Problem},
    store::{audit, backups::Backup},
};

pub enum ExtractOne {}

impl Access for ExtractOne {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some(ACTION);
}

const ACTION: &str = "backup.extract";

request! {
    /// What is taken out: one of them.
    pub struct ExtractQuery: Request {
        /// A workflow's id, as `GET /backups/{id}/contents` shows it.
        #[example = "tVFLTjgdV6Bmrqke"]
        workflow: Option<KeptId>,
        /// A credential's.
        credential: Option<KeptId>,
    }
}

/// An id of n8n's.
#[derive(Debug)]
pub struct KeptId(String);

impl Text for KeptId {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fits = (1..=36).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let wrong = || Fault::new("invalid_id", "must be 1 to 36 letters, digits, `-` or `_`");
        fits.then(|| Self(text.to_owned())).ok_or_else(wrong)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,36}$" })
    }
}

/// Takes one workflow or credential out of a backup.
///
/// It is as n8n exports it, so `n8n import:workflow` and `import:credentials` take it, in an array, and the editor a workflow. A credential
/// is encrypted as it was: with the tenant's own n8n's key; of a tenant that shares an n8n, with one that is in its backup. Each is in
/// the audit log before it is answered. One of more than 6 MiB is 409: by hand it can be had.
#[utoipa::path(
    get, path = "/backups/{id}/extract", tag = "backups",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The backup's id"),
        ExtractQuery,
    ),
    responses(
        (status = 200, body = Object, description = "The workflow or credential, as n8n exports it"),
    )
)]
pub async fn extract(
    State(app): State<App>,
    of: BackupOf<ExtractOne>,
    Extension(exchange): Extension<Exchange>,
    RawQuery(query): RawQuery,
) -> Answered<Response> {
    let (what, KeptId(id)) = one_of(ExtractQuery::of_query(query.as_deref(), &())?)?;
    let asked = asked(&of.backup)?;
    let noted = format!("{}, {} {id}", asked.backup, what.as_str());
    let question = AskExtract { backup: asked.backup, cluster: asked.cluster, what, id };
    let text = app.bus.request(&question).await?;
    serde_json::from_str::<IgnoredAny>(&text).map_err(|_| Problem::new(Code::Internal))?;
    let entry = Entry::new(&exchange, of.identity(), ACTION, "shown".to_owned());
    audit::insert(&app.statements, &[Entry { named: Some(noted), ..entry }]).await?;
    Ok(([(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json")], text)
        .into_response())
}

fn one_of(query: ExtractQuery) -> Result<(Extracted, KeptId), Problem> {
    match (query.workflow, query.credential) {
        (Some(id), None) => Ok((Extracted::Workflow, id)),
        (None, Some(id)) => Ok((Extracted::Credential, id)),
        (_, both_or_none) => {
            let (code, detail) = match both_or_none {
                Some(_) => ("contradicts", "must not be given together with workflow"),
                None => ("missing", "either this or workflow is needed"),
            };
            Err(Problem::fields(vec![FieldError::new(Pointer::to("credential"), code, detail)]))
        }
    }
}

/// Which backup is asked about, and of whose service.
pub(super) struct Asked {
    pub backup: BackupId,
    pub cluster: Option<ClusterId>,
}

/// One that was read back; others are told apart by what they are.
pub(super) fn asked(backup: &Backup) -> Result<Asked, Problem> {
    if !matches!(backup.status.as_str(), "verified" | "proven") {
        let detail = format!("The backup is {}: only one that was read back is taken from.", backup.status);
        return Err(Problem::new(Code::Conflict).detail(detail));
    }
    Ok(Asked { backup: backup.id, cluster: backup.cluster() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_thing_is_taken_out() {
        let read = |query: &str| ExtractQuery::of_query(Some(query), &()).and_then(one_of);
        assert_eq!(read("workflow=a-B_9").unwrap().0, Extracted::Workflow);
        assert_eq!(read("credential=x").unwrap().0, Extracted::Credential);
        for wrong in ["", "workflow=a&credential=b", "workflow=", "workflow=a%2Fb", "workflow=a&user=b"] {
            assert_eq!(read(wrong).err().map(|problem| problem.code()), Some(Code::InvalidFields), "{wrong}");
        }
    }
}
