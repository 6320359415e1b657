//! A member's rows, written one table after the other on the one connection that holds their moment.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{
    FutureExt as _, SinkExt as _, StreamExt as _,
    channel::mpsc::{self, Sender},
    stream,
};
use sqlx::postgres::PgConnection;
use tokio::sync::OwnedMutexGuard;
use tokio_util::io::StreamReader;

use super::{Keys, layout::Laid, tables};
use crate::{
    copies::{
        Stream,
        script::{self, END, END_OF_ROWS},
    },
    credentials::resealed,
    databases::{DatabaseError, refused},
};

/// Parts of what the server sends that wait to be read. It is not read from any further meanwhile.
const WAITING: usize = 1;

const BEGINNING: &str = "-- One tenant's part of an n8n that it shared with others: psql --no-psqlrc --set=ON_ERROR_STOP=1 --file=… loads it into another.
BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
";

/// What is written, and in which order.
pub struct Writing {
    pub tables: Vec<Arc<Laid>>,
    pub keys: Keys,
    /// Asks which version of which workflow is active, where that is to be so in what is loaded.
    pub active: Option<&'static str>,
}

/// Which is written as it is read. The connection is let go at its end.
pub fn stream(writing: Writing, connection: OwnedMutexGuard<PgConnection>) -> Stream {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writing = write(writing, connection, sender).into_stream();
    let failed = writing.filter_map(async |written| written.err().map(|error| Err(io::Error::other(error))));
    Box::pin(StreamReader::new(Box::pin(stream::select(receiver.map(Ok), failed))))
}

/// Nobody reads any more: there is nobody to tell, either.
struct Unread;

/// Why writing ended.
enum End {
    Unread,
    Failed(DatabaseError),
}

impl From<Unread> for End {
    fn from(_: Unread) -> Self {
        Self::Unread
    }
}

async fn write(
    writing: Writing,
    mut connection: OwnedMutexGuard<PgConnection>,
    sender: Sender<Bytes>,
) -> Result<(), DatabaseError> {
    let mut pen = Pen(sender);
    match all(&writing, &mut connection, &mut pen).await {
        Ok(()) | Err(End::Unread) => Ok(()),
        Err(End::Failed(error)) => Err(error),
    }
}

async fn all(writing: &Writing, connection: &mut PgConnection, pen: &mut Pen) -> Result<(), End> {
    pen.text(BEGINNING).await?;
    for table in &writing.tables {
        if let Some(makes) = &table.makes {
            pen.text(makes.clone()).await?;
        }
        pen.text(script::copy(&table.name, &table.columns)).await?;
        let keys = (table.name == super::CREDENTIALS).then_some(&writing.keys);
        rows(connection, &table.rows(), keys, pen).await?;
    }
    if let Some(question) = writing.active {
        active(connection, question, pen).await?;
    }
    for table in &writing.tables {
        let fixed = tables::COUNTERS.iter().find(|(name, _)| *name == table.name).map(|(_, column)| *column);
        if let Some(column) = fixed.or(table.makes.is_some().then_some("id")) {
            pen.text(goes_on(&table.name, column)).await?;
        }
    }
    pen.text(format!("{END}\n")).await?;
    Ok(())
}

/// Once the versions are there.
async fn active(connection: &mut PgConnection, question: &str, pen: &mut Pen) -> Result<(), End> {
    pen.text("CREATE TEMPORARY TABLE rp9_active (id varchar, version varchar) ON COMMIT DROP;\n").await?;
    pen.text("COPY rp9_active (id, version) FROM stdin;\n").await?;
    rows(connection, &format!("COPY ({question}) TO STDOUT"), None, pen).await?;
    pen.text("UPDATE public.workflow_entity w SET \"activeVersionId\" = a.version FROM rp9_active a WHERE a.id = w.id;\n")
        .await?;
    Ok(())
}

/// Numbers that are drawn from now on are none that was loaded, and none that was drawn before.
fn goes_on(table: &str, column: &str) -> String {
    let table = crate::databases::identifier(table);
    let counter = format!(
        "pg_get_serial_sequence('public.{}', '{}')",
        table.replace('\'', "''"),
        column.replace('\'', "''")
    );
    let most = format!("(SELECT max({}) FROM public.{table})", crate::databases::identifier(column));
    format!("SELECT setval({counter}, greatest(nextval({counter}), {most}));\n")
}

async fn rows(
    connection: &mut PgConnection,
    question: &str,
    keys: Option<&Keys>,
    pen: &mut Pen,
) -> Result<(), End> {
    let failed = |error| End::Failed(refused("copy a member's rows")(error));
    let mut rows = connection.copy_out_raw(question).await.map_err(failed)?;
    let mut held = BytesMut::new();
    while let Some(part) = rows.next().await {
        let part = part.map_err(failed)?;
        let Some(keys) = keys else {
            pen.bytes(part).await?;
            continue;
        };
        held.extend_from_slice(&part);
        while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
            let row = held.split_to(end + 1);
            pen.bytes(with_another_key(&row, keys)).await?;
        }
    }
    pen.bytes(held.freeze()).await?;
    pen.bytes(Bytes::from_static(END_OF_ROWS)).await?;
    Ok(())
}

/// What does not open stays as it is: it opens for nobody who has the set, either.
fn with_another_key(row: &[u8], keys: &Keys) -> Bytes {
    let text = String::from_utf8_lossy(row);
    let (before, data) = text.trim_end_matches('\n').rsplit_once('\t').unwrap_or_default();
    match resealed(data, &keys.from, &keys.to) {
        Some(data) => format!("{before}\t{data}\n").into(),
        None => Bytes::copy_from_slice(row),
    }
}

struct Pen(Sender<Bytes>);

impl Pen {
    async fn text(&mut self, text: impl Into<Bytes>) -> Result<(), Unread> {
        self.bytes(text.into()).await
    }

    async fn bytes(&mut self, bytes: Bytes) -> Result<(), Unread> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.0.send(bytes).await.map_err(|_| Unread)
    }
}
