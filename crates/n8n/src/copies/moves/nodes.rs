//! Where n8n keeps nodes: a workflow as it is edited, and each of its versions. What listens there says by its path whose it is.

use serde_json::Value;
use sqlx::postgres::PgConnection;

use crate::{copies::CopyError, databases::refused, members::ProjectId};

/// So many workflows are held at once: each may have megabytes.
const AT_ONCE: usize = 20;

/// Which nodes are meant, and how they are read and written. `$1` of the first is the project.
pub struct Holder {
    which: &'static str,
    read: &'static str,
    write: &'static str,
}

impl Holder {
    const fn workflows(which: &'static str) -> Self {
        Self {
            which,
            read: "SELECT id::text, nodes::text FROM workflow_entity WHERE id = ANY ($1)",
            write: "UPDATE workflow_entity w SET nodes = now.nodes::json FROM unnest($1::text[], $2::text[]) AS now (id, nodes) WHERE w.id = now.id",
        }
    }

    const fn versions(which: &'static str) -> Self {
        Self {
            which,
            read: r#"SELECT "versionId"::text, nodes::text FROM workflow_history WHERE "versionId" = ANY ($1)"#,
            write: r#"UPDATE workflow_history w SET nodes = now.nodes::json FROM unnest($1::text[], $2::text[]) AS now (id, nodes) WHERE w."versionId" = now.id"#,
        }
    }

    /// Workflows of a database that is somebody's own in which the project is named.
    pub const WORKFLOWS: Self = Self::workflows(
        "SELECT id::text FROM workflow_entity WHERE position($1 in nodes::text) > 0 ORDER BY id",
    );

    /// Their versions.
    pub const VERSIONS: Self = Self::versions(
        r#"SELECT "versionId"::text FROM workflow_history WHERE position($1 in nodes::text) > 0 ORDER BY "versionId""#,
    );

    /// Workflows of this project in which something listens.
    pub const WORKFLOWS_OF: Self = Self::workflows(
        r#"SELECT w.id::text FROM workflow_entity w JOIN shared_workflow s ON s."workflowId" = w.id AND s.role = 'workflow:owner'
            WHERE s."projectId" = $1 AND position('"webhookId"' in w.nodes::text) > 0 ORDER BY w.id"#,
    );

    /// Their versions.
    pub const VERSIONS_OF: Self = Self::versions(
        r#"SELECT h."versionId"::text FROM workflow_history h JOIN shared_workflow s ON s."workflowId" = h."workflowId" AND s.role = 'workflow:owner'
            WHERE s."projectId" = $1 AND position('"webhookId"' in h.nodes::text) > 0 ORDER BY h."versionId""#,
    );
}

/// What is done to a list of nodes, for this project.
pub type Change = fn(&ProjectId, &mut [Value]);

/// Does so to all of them.
pub async fn change(
    connection: &mut PgConnection,
    Holder { which, read, write }: &Holder,
    project: &ProjectId,
    change: Change,
) -> Result<(), CopyError> {
    let failed = refused("change where workflows listen");
    let ids = sqlx::query_scalar(*which).bind(project.as_str()).fetch_all(&mut *connection).await;
    let ids: Vec<String> = ids.map_err(&failed)?;
    for ids in ids.chunks(AT_ONCE) {
        let rows: Vec<(String, String)> =
            sqlx::query_as(*read).bind(ids).fetch_all(&mut *connection).await.map_err(&failed)?;
        let changed = |(id, nodes): (String, String)| (id, changed(project, &nodes, change).unwrap_or(nodes));
        let (ids, nodes): (Vec<_>, Vec<_>) = rows.into_iter().map(changed).unzip();
        sqlx::query(*write).bind(ids).bind(nodes).execute(&mut *connection).await.map_err(&failed)?;
    }
    Ok(())
}

/// `None` for what is no list of nodes: it stays as it is.
fn changed(project: &ProjectId, nodes: &str, change: Change) -> Option<String> {
    let mut nodes: Vec<Value> = serde_json::from_str(nodes).ok()?;
    change(project, &mut nodes);
    serde_json::to_string(&nodes).ok()
}
