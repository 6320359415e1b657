//! Rows as JSON, as n8n's own command line exports and imports them.

use std::io;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream;
use sqlx::{AssertSqlSafe, Row as _, postgres::PgConnection};
use tokio_util::io::StreamReader;

use super::Stream;
use crate::databases::{DatabaseError, refused};

/// Rows held in memory at once: a workflow may have megabytes of data pinned to it.
const AT_ONCE: &str = "FETCH 20 FROM exported";

/// Every workflow, its tags and all its settings included.
pub const WORKFLOWS: &str = r#"SELECT (to_jsonb(w) || jsonb_build_object('tags',
        (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.id), '[]') FROM workflows_tags wt JOIN tag_entity t ON t.id = wt."tagId"
          WHERE wt."workflowId" = w.id)))::text
   FROM workflow_entity w ORDER BY w.id"#;

/// Every credential.
pub const CREDENTIALS: &str = "SELECT to_jsonb(c)::text FROM credentials_entity c ORDER BY c.id";

struct Exporting {
    connection: PgConnection,
    first: bool,
}

/// An array of what a question of one column of JSON gives.
pub async fn rows(mut connection: PgConnection, question: &'static str) -> Result<Stream, DatabaseError> {
    let declared = format!("DECLARE exported NO SCROLL CURSOR FOR {question}");
    sqlx::raw_sql(AssertSqlSafe(declared)).execute(&mut connection).await.map_err(refused("export rows"))?;
    let begun = Some(Exporting { connection, first: true });
    let parts = stream::try_unfold(begun, async |exporting: Option<Exporting>| {
        let Some(mut exporting) = exporting else { return Ok::<_, io::Error>(None) };
        let part = exporting.part().await.map_err(io::Error::other)?;
        Ok(Some(match part {
            Some(part) => (part, Some(exporting)),
            None => (Bytes::from_static(if exporting.first { b"[]\n" } else { b"\n]\n" }), None),
        }))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(parts))))
}

impl Exporting {
    async fn part(&mut self) -> Result<Option<Bytes>, DatabaseError> {
        let rows =
            sqlx::query(AT_ONCE).fetch_all(&mut self.connection).await.map_err(refused("export rows"))?;
        let mut part = BytesMut::new();
        for row in &rows {
            let text: &str = row.try_get(0).map_err(refused("export rows"))?;
            part.put_slice(if self.first { b"[\n" } else { b",\n" });
            part.put_slice(text.as_bytes());
            self.first = false;
        }
        Ok((!rows.is_empty()).then(|| part.freeze()))
    }
}
