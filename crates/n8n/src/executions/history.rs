//! How much of what they ran those who share an n8n keep to look at.

use sqlx::postgres::PgConnection;

use crate::databases::{DatabaseError, refused};

/// As n8n's own pruning chooses, but of each project by itself: by number, ended, and not annotated.
const BEYOND: &str = r#"
    WITH ended AS (
        SELECT e.id, row_number() OVER (PARTITION BY s."projectId" ORDER BY e.id DESC) AS place
          FROM public.execution_entity e
          JOIN public.shared_workflow s ON s."workflowId" = e."workflowId" AND s.role = 'workflow:owner'
         WHERE e."deletedAt" IS NULL AND e.status NOT IN ('new', 'running', 'waiting'))
    UPDATE public.execution_entity e SET "deletedAt" = now()
      FROM ended
     WHERE e.id = ended.id AND ended.place > $1 AND e."deletedAt" IS NULL
       AND NOT EXISTS (SELECT FROM public.execution_annotations a WHERE a."executionId" = e.id)"#;

pub(super) async fn prune_each(connection: &mut PgConnection, kept: u32) -> Result<u64, DatabaseError> {
    let pruned = sqlx::query(BEYOND).bind(i64::from(kept)).execute(connection).await;
    Ok(pruned.map_err(refused("prune executions"))?.rows_affected())
}
