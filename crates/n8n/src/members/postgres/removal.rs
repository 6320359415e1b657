//! A member goes. n8n's own deletion takes nearly everything; what it leaves can only be told by ids that it deletes, so these are noted before.

use reqwest::{Client, Method, StatusCode};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::super::api::{self, Answer};
use super::{Main, MemberError, Place, ProjectId};
use crate::databases::refused;

const NOTE: &str = r#"
    WITH own AS (SELECT "workflowId" AS id FROM shared_workflow WHERE "projectId" = $1 AND role = 'workflow:owner')
    INSERT INTO rp9.leaving (project_id, kind, id)
          SELECT $1, 'workflow', id FROM own
    UNION SELECT $1, 'execution', e.id::text FROM execution_entity e JOIN own ON own.id = e."workflowId"
    UNION SELECT $1, 'credential', "credentialsId" FROM shared_credentials
           WHERE "projectId" = $1 AND role = 'credential:owner'
    UNION SELECT $1, 'data_table', id FROM data_table WHERE "projectId" = $1
    UNION SELECT $1, 'insight', "metaId"::text FROM insights_metadata
           WHERE "projectId" = $1 OR "workflowId" IN (SELECT id FROM own)
    ON CONFLICT DO NOTHING"#;

/// What n8n leaves. `$1` is the project.
const SWEEP: [&str; 8] = [
    r#"DELETE FROM workflow_statistics
        WHERE "workflowId" IN (SELECT id FROM rp9.leaving WHERE project_id = $1 AND kind = 'workflow')"#,
    r#"DELETE FROM workflow_statistics_delta
        WHERE "workflowId" IN (SELECT id FROM rp9.leaving WHERE project_id = $1 AND kind = 'workflow')"#,
    r#"DELETE FROM workflow_publication_outbox
        WHERE "workflowId" IN (SELECT id FROM rp9.leaving WHERE project_id = $1 AND kind = 'workflow')"#,
    r#"DELETE FROM scheduled_job WHERE "ownerType" = 'workflow'
          AND "ownerId" IN (SELECT id FROM rp9.leaving WHERE project_id = $1 AND kind = 'workflow')"#,
    r#"DELETE FROM user_favorites WHERE "resourceId" = $1
           OR "resourceId" IN (SELECT id FROM rp9.leaving WHERE project_id = $1 AND kind IN ('workflow', 'data_table'))"#,
    r#"DELETE FROM insights_metadata
        WHERE "metaId" IN (SELECT id::integer FROM rp9.leaving WHERE project_id = $1 AND kind = 'insight')"#,
    r#"DELETE FROM binary_data WHERE "sourceType" = 'execution'
          AND "sourceId" IN (SELECT id FROM rp9.leaving WHERE project_id = $1 AND kind = 'execution')"#,
    "DELETE FROM rp9.tenant WHERE project_id = $1",
];

/// Notes all ids of what is the member's, beside those noted before. Whether n8n has the user.
pub(super) async fn note(connection: &mut PgConnection, place: &Place) -> Result<bool, MemberError> {
    let project = place.project.as_str();
    let noted = sqlx::query(NOTE).bind(project).execute(&mut *connection).await;
    noted.map_err(refused("note what a member has"))?;
    let question = sqlx::query_scalar(r#"SELECT "roleSlug" = 'global:tenant' FROM "user" WHERE id = $1"#);
    let found: Option<bool> =
        question.bind(place.user.0).fetch_optional(connection).await.map_err(refused("look for a member"))?;
    match found {
        Some(false) => Err(MemberError::Taken(place.project.clone())),
        found => Ok(found.is_some()),
    }
}

/// With workflows, executions, credentials and data tables. n8n does it in one transaction at the end, so that what was cut off finds the user
/// again.
pub(super) async fn delete(client: &Client, main: &Main, place: &Place) -> Result<(), MemberError> {
    let user = place.user.0.to_string();
    match api::ask(client, main, Method::DELETE, &["users", &user], None).await? {
        Answer::Done | Answer::Gone(_) => Ok(()),
        Answer::Refused(StatusCode::CONFLICT, _) => Err(MemberError::StillEnding(place.project.clone())),
        Answer::Refused(status, message) => Err(MemberError::Answered { status: status.as_u16(), message }),
    }
}

/// All or nothing; and the rows of one whom n8n never had to do with.
pub(super) async fn sweep(connection: &mut PgConnection, place: &Place) -> Result<(), MemberError> {
    let swept = refused("sweep what is left of a member");
    let mut transaction = connection.begin().await.map_err(&swept)?;
    for statement in SWEEP {
        let sweep = sqlx::query(statement).bind(place.project.as_str());
        sweep.execute(&mut *transaction).await.map_err(&swept)?;
    }
    transaction.commit().await.map_err(&swept)?;
    Ok(())
}

pub(super) async fn forget(connection: &mut PgConnection, project: &ProjectId) -> Result<(), MemberError> {
    let forgotten = refused("forget a member");
    let mut transaction = connection.begin().await.map_err(&forgotten)?;
    for statement in
        ["DELETE FROM rp9.leaving WHERE project_id = $1", "DELETE FROM rp9.started WHERE project_id = $1"]
    {
        let forget = sqlx::query(statement).bind(project.as_str());
        forget.execute(&mut *transaction).await.map_err(&forgotten)?;
    }
    transaction.commit().await.map_err(&forgotten)?;
    Ok(())
}
