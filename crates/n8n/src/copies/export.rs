//! Rows as JSON, as n8n's own command line exports and imports them.

use std::{io, ops::DerefMut};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream;
use sqlx::{AssertSqlSafe, Row as _, postgres::PgConnection};
use tokio_util::io::StreamReader;

use super::{Stream, member::tables};
use crate::databases::{DatabaseError, refused};

/// Rows held in memory at once: a workflow may have megabytes of data pinned to it.
const AT_ONCE: &str = "FETCH 20 FROM exported";

/// Each workflow, its tags and all its settings included, as the text that n8n wrote: a value that JSON may have and `jsonb` may not (`\u0000`) is in it,
/// too.
macro_rules! workflows {
    ($which:expr) => {
        concat!(
            r#"SELECT row_to_json(x)::text FROM (SELECT w.*, (SELECT coalesce(json_agg(t ORDER BY t.id), '[]') FROM workflows_tags wt
                      JOIN tag_entity t ON t.id = wt."tagId" WHERE wt."workflowId" = w.id) AS tags
                 FROM workflow_entity w WHERE "#,
            $which,
            " ORDER BY w.id) x"
        )
    };
}

/// Every workflow.
pub const WORKFLOWS: &str = workflows!("true");

/// Those of one member of a shared n8n.
pub const MEMBERS_WORKFLOWS: &str = workflows!(concat!("w.id IN ", tables::workflows!()));

/// Every credential.
pub const CREDENTIALS: &str = "SELECT to_jsonb(c)::text FROM credentials_entity c ORDER BY c.id";

struct Exporting<C, F> {
    connection: C,
    change: F,
    first: bool,
}

/// An array of what a question of one column of JSON gives, each changed by this. The connection is let go at its end.
pub async fn rows<C, F>(mut connection: C, question: &'static str, change: F) -> Result<Stream, DatabaseError>
where
    C: DerefMut<Target = PgConnection> + Send + 'static,
    F: Fn(String) -> Result<String, serde_json::Error> + Send + 'static,
{
    let declared = format!("DECLARE exported NO SCROLL CURSOR FOR {question}");
    sqlx::raw_sql(AssertSqlSafe(declared)).execute(&mut *connection).await.map_err(refused("export rows"))?;
    let begun = Some(Exporting { connection, change, first: true });
    let parts = stream::try_unfold(begun, async |exporting: Option<Exporting<C, F>>| {
        let Some(mut exporting) = exporting else { return Ok::<_, io::Error>(None) };
        let part = exporting.part().await?;
        Ok(Some(match part {
            Some(part) => (part, Some(exporting)),
            None => {
                exporting.end().await.map_err(io::Error::other)?;
                (Bytes::from_static(if exporting.first { b"[]\n" } else { b"\n]\n" }), None)
            }
        }))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(parts))))
}

impl<C, F> Exporting<C, F>
where
    C: DerefMut<Target = PgConnection> + Send + 'static,
    F: Fn(String) -> Result<String, serde_json::Error> + Send + 'static,
{
    async fn part(&mut self) -> io::Result<Option<Bytes>> {
        let asked = refused("export rows");
        let rows = sqlx::query(AT_ONCE).fetch_all(&mut *self.connection).await;
        let rows = rows.map_err(|error| io::Error::other(asked(error)))?;
        let mut part = BytesMut::new();
        for row in &rows {
            let text: String = row.try_get(0).map_err(|error| io::Error::other(asked(error)))?;
            part.put_slice(if self.first { b"[\n" } else { b",\n" });
            part.put_slice((self.change)(text)?.as_bytes());
            self.first = false;
        }
        Ok((!rows.is_empty()).then(|| part.freeze()))
    }

    /// Whoever comes next on this connection may export something else.
    async fn end(&mut self) -> Result<(), DatabaseError> {
        let closed = sqlx::query("CLOSE exported").execute(&mut *self.connection).await;
        closed.map(drop).map_err(refused("export rows"))
    }
}
