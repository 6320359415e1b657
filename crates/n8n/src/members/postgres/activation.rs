//! What n8n does itself, because it keeps schedules and webhooks in memory: a member's workflows on and off, and the end of executions.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::super::api::{self, Answer};
use super::{ActiveWorkflow, ExecutionId, Main, MemberError, Skipped, WorkflowId};

/// n8n's main does one after another in its own event loop; with more at a time, others who live there would wait for their webhooks.
const AT_ONCE: usize = 4;

pub(super) async fn activate(
    client: &Client,
    main: &Main,
    workflows: &[ActiveWorkflow],
) -> Result<Vec<Skipped>, MemberError> {
    let versions = workflows.iter().map(|one| (&one.workflow, Some(json!({ "versionId": one.version }))));
    each(client, main, "activate", versions).await
}

pub(super) async fn deactivate(
    client: &Client,
    main: &Main,
    workflows: &[WorkflowId],
) -> Result<Vec<Skipped>, MemberError> {
    each(client, main, "deactivate", workflows.iter().map(|workflow| (workflow, None))).await
}

async fn each<'a>(
    client: &Client,
    main: &Main,
    verb: &str,
    workflows: impl Iterator<Item = (&'a WorkflowId, Option<Value>)> + Send,
) -> Result<Vec<Skipped>, MemberError> {
    let asked = workflows.map(|(workflow, body)| async move {
        let answer = api::ask(client, main, Method::POST, &["workflows", &workflow.0, verb], body).await?;
        let skipped = |gone, reason| Some(Skipped { workflow: workflow.clone(), gone, reason });
        Ok(match answer {
            Answer::Done => None,
            Answer::Gone(reason) => skipped(true, reason),
            Answer::Refused(_, reason) => skipped(false, reason),
        })
    });
    let skipped = stream::iter(asked.collect::<Vec<_>>()).buffered(AT_ONCE);
    skipped.try_filter_map(async |skipped| Ok(skipped)).try_collect().await
}

/// Both that it is gone and that it cannot be stopped any more mean that it has ended.
pub(super) async fn stop(
    client: &Client,
    main: &Main,
    executions: &[ExecutionId],
) -> Result<(), MemberError> {
    let asked = executions.iter().map(|execution| async move {
        let id = execution.to_string();
        api::ask(client, main, Method::POST, &["executions", &id, "stop"], None).await.map(drop)
    });
    stream::iter(asked.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
}
