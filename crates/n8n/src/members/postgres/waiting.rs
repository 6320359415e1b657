//! Executions that wait for a time or a call.
//!
//! n8n goes on with one only if it finds it waiting in the very statement that claims it, so another status is enough to keep it from that, also where a
//! timer is set already. What was set aside is told from what somebody cancelled by what n8n clears then: until when it waits.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

use super::{ExecutionId, MemberError, ProjectId};
use crate::databases::refused;

/// Of a row of executions: it was set aside.
macro_rules! aside {
    () => {
        r#"status = 'canceled' AND "waitTill" IS NOT NULL AND "stoppedAt" IS NULL"#
    };
}

/// Of a row of executions: it is one of the project's (`$1`), and n8n has not deleted it.
macro_rules! own {
    () => {
        r#""deletedAt" IS NULL AND "workflowId" IN (SELECT s."workflowId" FROM shared_workflow s
             WHERE s."projectId" = $1 AND s.role = 'workflow:owner')"#
    };
}

/// What puts it back, wherever it was copied to.
pub(crate) const PUT_BACK: &str = concat!("UPDATE execution_entity SET status = 'waiting' WHERE ", aside!());

pub(super) async fn set_aside(
    connection: &mut PgConnection,
    project: &ProjectId,
) -> Result<u64, MemberError> {
    let set = sqlx::query(concat!(
        r#"UPDATE execution_entity SET status = 'canceled', "stoppedAt" = NULL
            WHERE status = 'waiting' AND "waitTill" IS NOT NULL AND "#,
        own!()
    ));
    let set = set.bind(project.as_str()).execute(connection).await;
    Ok(set.map_err(refused("set executions aside"))?.rows_affected())
}

pub(super) async fn put_back(
    connection: &mut PgConnection,
    project: &ProjectId,
    only: Option<&BTreeSet<ExecutionId>>,
) -> Result<u64, MemberError> {
    let only: Option<Vec<i32>> = only.map(|only| only.iter().map(|id| id.0).collect());
    let put = sqlx::query(concat!(
        "UPDATE execution_entity SET status = 'waiting' WHERE ",
        aside!(),
        " AND ($2::integer[] IS NULL OR id = ANY ($2)) AND ",
        own!()
    ));
    let put = put.bind(project.as_str()).bind(only).execute(connection).await;
    Ok(put.map_err(refused("put executions back"))?.rows_affected())
}
