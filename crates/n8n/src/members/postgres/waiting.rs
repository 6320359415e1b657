//! Executions that wait for a time or a call.
//!
//! n8n goes on with one only if it finds it waiting in the very statement that claims it, so another status is enough to keep it from that, also where a
//! timer is set already. What was set aside is told from what somebody cancelled by what n8n clears then: until when it waits. n8n forgets old executions
//! unless they wait or somebody has written a note about them: so each has a note while it is aside.

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

/// What stands in the notes of those that are aside.
macro_rules! noted {
    () => {
        "note = 'rp9: set aside'"
    };
}

/// What puts all back in a copy of a member's rows.
pub(crate) const PUT_BACK: &str = concat!(
    "UPDATE execution_entity SET status = 'waiting' WHERE ",
    aside!(),
    "; DELETE FROM execution_annotations WHERE ",
    noted!()
);

const SET_ASIDE: &str = concat!(
    r#"WITH aside AS (
           UPDATE execution_entity SET status = 'canceled', "stoppedAt" = NULL
            WHERE status = 'waiting' AND "waitTill" IS NOT NULL AND "#,
    own!(),
    r#" RETURNING id)
       INSERT INTO execution_annotations ("executionId", note, "createdAt", "updatedAt")
       SELECT id, 'rp9: set aside', now(), now() FROM aside ON CONFLICT DO NOTHING"#
);

const ASIDE: &str =
    concat!("SELECT id::integer FROM execution_entity WHERE ", aside!(), " AND ", own!(), " ORDER BY id");

const WAITING: &str = concat!(
    r#"WITH back AS (
           UPDATE execution_entity SET status = 'waiting' WHERE "#,
    aside!(),
    " AND ($2::integer[] IS NULL OR id = ANY ($2)) AND ",
    own!(),
    r#" RETURNING id),
       unnoted AS (DELETE FROM execution_annotations WHERE "#,
    noted!(),
    r#" AND "executionId" IN (SELECT id FROM back))
       SELECT count(*) FROM back"#
);

const ENDED: &str = concat!(
    r#"WITH ended AS (
           UPDATE execution_entity SET "waitTill" = NULL, "stoppedAt" = now() WHERE "#,
    aside!(),
    " AND ",
    own!(),
    r#" RETURNING id)
       DELETE FROM execution_annotations WHERE "#,
    noted!(),
    r#" AND "executionId" IN (SELECT id FROM ended)"#
);

/// All that are aside afterwards.
pub(super) async fn set_aside(
    connection: &mut PgConnection,
    project: &ProjectId,
) -> Result<BTreeSet<ExecutionId>, MemberError> {
    let set = sqlx::query(SET_ASIDE).bind(project.as_str()).execute(&mut *connection).await;
    set.map_err(refused("set executions aside"))?;
    let aside = sqlx::query_scalar(ASIDE).bind(project.as_str()).fetch_all(connection).await;
    let aside: Vec<i32> = aside.map_err(refused("look at what is set aside"))?;
    Ok(aside.into_iter().map(ExecutionId).collect())
}

pub(super) async fn put_back(
    connection: &mut PgConnection,
    project: &ProjectId,
    only: Option<&BTreeSet<ExecutionId>>,
) -> Result<u64, MemberError> {
    let only: Option<Vec<i32>> = only.map(|only| only.iter().map(|id| id.0).collect());
    let put = sqlx::query_scalar(WAITING).bind(project.as_str()).bind(only).fetch_one(connection).await;
    let put: i64 = put.map_err(refused("put executions back"))?;
    Ok(put.unsigned_abs())
}

pub(super) async fn end_aside(connection: &mut PgConnection, project: &ProjectId) -> Result<(), MemberError> {
    let end = sqlx::query(ENDED).bind(project.as_str()).execute(connection).await;
    Ok(end.map(drop).map_err(refused("end what was set aside"))?)
}
