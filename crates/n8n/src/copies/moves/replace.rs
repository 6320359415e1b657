//! What a member has goes, so that something else takes its place. Their user, their project and their key stay, and so does whatever was counted.
//!
//! Within the transaction that brings the other, which has named the member.

use sqlx::postgres::PgConnection;

use crate::{
    copies::member::tables::{DATA_TABLE, DATA_TABLES, credentials, project, workflows},
    databases::{DatabaseError, Name, identifier, refused, run},
};

/// What does not go by itself with the things that are below it, and then those. What n8n sums up of a workflow for its own overview stays, and so do
/// favourites: both mean it again where it comes back.
const EMPTY: &str = concat!(
    r#"DELETE FROM binary_data WHERE "sourceType" = 'execution'
          AND "sourceId" IN (SELECT e.id::text FROM execution_entity e WHERE e."workflowId" IN "#,
    workflows!(),
    r#"); DELETE FROM execution_entity WHERE "workflowId" IN "#,
    workflows!(),
    r#"; DELETE FROM workflow_statistics WHERE "workflowId" IN "#,
    workflows!(),
    r#"; DELETE FROM workflow_statistics_delta WHERE "workflowId" IN "#,
    workflows!(),
    r#"; DELETE FROM workflow_publication_outbox WHERE "workflowId" IN "#,
    workflows!(),
    r#"; DELETE FROM workflow_published_version WHERE "workflowId" IN "#,
    workflows!(),
    r#"; DELETE FROM scheduled_job WHERE "ownerType" = 'workflow' AND "ownerId" IN "#,
    workflows!(),
    "; DELETE FROM workflow_entity WHERE id IN ",
    workflows!(),
    "; DELETE FROM credentials_entity WHERE id IN ",
    credentials!(),
    r#"; DELETE FROM folder WHERE "projectId" = "#,
    project!(),
    r#"; DELETE FROM data_table WHERE "projectId" = "#,
    project!(),
    r#"; DELETE FROM variables WHERE "projectId" = "#,
    project!(),
);

/// n8n's login may not read what is counted.
const COUNTED: &str = concat!(
    "CREATE TEMPORARY TABLE rp9_counted ON COMMIT DROP AS
        SELECT id FROM rp9.execution WHERE source = rp9.source() AND project_id = ",
    project!()
);

/// What came along and was not counted before was counted long ago, and is forgotten since, or somewhere else.
const COUNTED_BEFORE: &str = concat!(
    "RESET ROLE; DELETE FROM rp9.execution e WHERE e.source = rp9.source() AND e.project_id = ",
    project!(),
    " AND NOT EXISTS (SELECT FROM rp9_counted c WHERE c.id = e.id)"
);

/// They have nothing any more. `of` is whose database it is.
pub async fn empty(inside: &mut PgConnection, of: &Name) -> Result<(), DatabaseError> {
    let role = identifier(&of.to_string());
    run(inside, "note what was counted", format!("RESET ROLE; {COUNTED}; SET LOCAL ROLE {role}")).await?;
    let ids = sqlx::query_scalar(DATA_TABLES).fetch_all(&mut *inside).await;
    let ids: Vec<String> = ids.map_err(refused("look for data tables"))?;
    for id in ids {
        let table = identifier(&format!("{DATA_TABLE}{id}"));
        run(inside, "remove a data table", format!("DROP TABLE IF EXISTS public.{table}")).await?;
    }
    run(inside, "empty a part", EMPTY).await
}

/// Nothing that came along is counted again.
pub async fn count_nothing(inside: &mut PgConnection) -> Result<(), DatabaseError> {
    run(inside, "count a copy from nothing", COUNTED_BEFORE).await
}
