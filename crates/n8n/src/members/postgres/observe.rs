//! What a member has, and what goes on.

use sqlx::postgres::PgConnection;
use time::Date;

use super::{ActiveWorkflow, ExecutionId, MemberError, Place, ProjectId, Usage, WorkflowId};
use crate::databases::{Counts, OwnerLogin, refused};

pub(super) async fn login(connection: &mut PgConnection, place: &Place) -> Result<OwnerLogin, MemberError> {
    let question = sqlx::query_as(concat!(
        r#"SELECT u.email::text, coalesce(u.password, '')::text FROM "user" u WHERE "#,
        is_at!()
    ));
    let bound = question.bind(place.user.0).bind(place.project.as_str());
    let found: Option<(String, String)> =
        bound.fetch_optional(connection).await.map_err(refused("look at a member's login"))?;
    let (email, password_hash) = found.ok_or(MemberError::NoMember(place.project.clone()))?;
    Ok(OwnerLogin { email, password_hash })
}

pub(super) async fn active_workflows(
    connection: &mut PgConnection,
    project: &ProjectId,
) -> Result<Vec<ActiveWorkflow>, MemberError> {
    let question = sqlx::query_as(
        r#"SELECT w.id::text, w."activeVersionId"::text FROM workflow_entity w
             JOIN shared_workflow s ON s."workflowId" = w.id AND s.role = 'workflow:owner'
            WHERE s."projectId" = $1 AND w."activeVersionId" IS NOT NULL ORDER BY w.id COLLATE "C""#,
    );
    let rows: Vec<(String, String)> = question
        .bind(project.as_str())
        .fetch_all(connection)
        .await
        .map_err(refused("list active workflows"))?;
    let active = rows.into_iter().map(|(id, version)| ActiveWorkflow { workflow: WorkflowId(id), version });
    Ok(active.collect())
}

/// By whose workflow it is, and by whose prefix the path has: they agree, unless something is wrong.
pub(super) async fn webhooks(connection: &mut PgConnection, project: &ProjectId) -> Result<u64, MemberError> {
    let question = sqlx::query_scalar(
        r#"SELECT count(*) FROM webhook_entity
            WHERE starts_with("webhookPath", $1 || '/')
               OR "workflowId" IN (SELECT "workflowId" FROM shared_workflow
                                    WHERE "projectId" = $1 AND role = 'workflow:owner')"#,
    );
    let count: i64 =
        question.bind(project.as_str()).fetch_one(connection).await.map_err(refused("count webhooks"))?;
    Ok(count.unsigned_abs())
}

pub(super) async fn running(
    connection: &mut PgConnection,
    project: &ProjectId,
) -> Result<Vec<ExecutionId>, MemberError> {
    let question = sqlx::query_scalar(
        r#"SELECT e.id::integer FROM execution_entity e
             JOIN shared_workflow s ON s."workflowId" = e."workflowId" AND s.role = 'workflow:owner'
            WHERE s."projectId" = $1 AND e.status IN ('new', 'running') AND e."deletedAt" IS NULL ORDER BY e.id"#,
    );
    let running: Vec<i32> =
        question.bind(project.as_str()).fetch_all(connection).await.map_err(refused("list executions"))?;
    Ok(running.into_iter().map(ExecutionId).collect())
}

pub(super) async fn counts(
    connection: &mut PgConnection,
    project: &ProjectId,
) -> Result<Counts, MemberError> {
    let question = sqlx::query_as(
        r#"WITH own AS (SELECT w.id, w.active FROM workflow_entity w
                          JOIN shared_workflow s ON s."workflowId" = w.id AND s.role = 'workflow:owner'
                         WHERE s."projectId" = $1)
           SELECT (SELECT count(*) FROM own),
                  (SELECT count(*) FROM own WHERE active),
                  (SELECT count(*) FROM shared_credentials WHERE "projectId" = $1 AND role = 'credential:owner'),
                  (SELECT count(*) FROM execution_entity e JOIN own ON own.id = e."workflowId")"#,
    );
    let (workflows, active, credentials, executions): (i64, i64, i64, i64) = question
        .bind(project.as_str())
        .fetch_one(connection)
        .await
        .map_err(refused("count what a member has"))?;
    Ok(Counts {
        workflows: workflows.unsigned_abs(),
        active_workflows: active.unsigned_abs(),
        credentials: credentials.unsigned_abs(),
        executions: executions.unsigned_abs(),
    })
}

pub(super) async fn usage(connection: &mut PgConnection, project: &ProjectId) -> Result<Usage, MemberError> {
    let question = sqlx::query_as("SELECT month, executions FROM rp9.started WHERE project_id = $1");
    let months: Vec<(Date, i64)> =
        question.bind(project.as_str()).fetch_all(connection).await.map_err(refused("count executions"))?;
    Ok(Usage(months.into_iter().map(|(month, executions)| (month, executions.unsigned_abs())).collect()))
}
