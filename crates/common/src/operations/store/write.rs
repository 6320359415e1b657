//! The journal and what becomes of an operation.

use std::time::Duration;

use sqlx::{Postgres, Row, postgres::PgArguments, query::Query};

use super::{
    NewEntry, StoreError, Transition,
    postgres::{PostgresRecord, seconds},
};
use crate::{
    id::OperationId,
    operations::{Class, Entry, Event},
};

/// Whether a cancellation that came meanwhile turns the operation back now: when it would go on, rest or succeed. Not when
/// its process is stopping (a pause of nothing): whoever claims it next turns it back.
macro_rules! cancelled {
    () => {
        "(status = 'running' and cancellation is not null and coalesce($8, 'succeeded') = 'succeeded'
          and coalesce($10::float8, 1) > 0)"
    };
}

/// The rows, in their order; `$3` to `$7`, and their causes.
macro_rules! rows {
    ($causes:literal) => {
        concat!(
            "
    rows as (
        insert into operation_steps (operation_id, ordinal, step, event, fence, output, error, cause)
        select held.id, e.ordinal, e.step, e.event, $2, e.output, e.error, e.cause
        from held, unnest($3::int[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], ",
            $causes,
            "::text[]) with ordinality as e (ordinal, step, event, output, error, cause, position)
        order by e.position)
    "
        )
    };
}

/// The rows and the transition in one statement: neither without the other, and neither without the lease. Because a cancellation
/// changes the same row, it comes either before the statement and is heeded, or after the end and is refused.
const WRITE: &str = concat!(
    "with held as (
        update operations set
            status = case when ",
    cancelled!(),
    " then 'undoing' else coalesce($8, status) end,
            error = case when ",
    cancelled!(),
    " then cancellation else coalesce($9, error) end,
            not_before = case when $10::float8 is null or ",
    cancelled!(),
    " then not_before when child_ended then now() else now() + make_interval(secs => $10) end,
            lease_until = case when ($10::float8 is null and $11::bool is not true) or ",
    cancelled!(),
    " then now() + make_interval(secs => $12) end,
            lease_owner = case when ($10::float8 is null and $11::bool is not true) or ",
    cancelled!(),
    " then lease_owner end,
            finished_at = case when $8 in ('succeeded', 'rolled_back') and not ",
    cancelled!(),
    " then now() else finished_at end
        where id = $1 and fence = $2 and lease_until > now()
        returning id, status = 'undoing' as undoing),
",
    rows!("$13"),
    "select undoing from held"
);

/// The same for what is written most: more rows, and nothing turns. It finds nothing to write to when a cancellation came, either.
const GO_ON: &str = concat!(
    "with held as (
        update operations set lease_until = now() + make_interval(secs => $8)
        where id = $1 and fence = $2 and lease_until > now() and (status <> 'running' or cancellation is null)
        returning id, status = 'undoing' as undoing),",
    rows!("$9"),
    "select undoing from held"
);

impl PostgresRecord {
    pub(super) async fn write_rows(
        &self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let causes: Vec<_> = entries.iter().map(|e| e.cause.clone()).collect();
        if matches!(transition, Transition::Continue) {
            let went_on = bind_rows(GO_ON, id, fence, entries).bind(seconds(lease)).bind(&causes);
            if let Some(row) = went_on.fetch_optional(&self.statements).await? {
                return Ok(row.try_get("undoing")?);
            }
        }
        let (status, error, pause, over) = match transition {
            Transition::Continue => (None, None, None, false),
            Transition::Undo { error } => (Some("undoing"), Some(error), None, false),
            Transition::Postpone { pause, error } => (None, error.as_ref(), Some(seconds(*pause)), false),
            Transition::Finish { end, error } => (Some(end.as_str()), error.as_ref(), None, true),
        };
        let row = bind_rows(WRITE, id, fence, entries)
            .bind(status)
            .bind(error)
            .bind(pause)
            .bind(over)
            .bind(seconds(lease))
            .bind(&causes)
            .fetch_optional(&self.statements)
            .await?;
        let row = row.ok_or(StoreError::LeaseLost)?;
        Ok(row.try_get("undoing")?)
    }

    pub(super) async fn read_journal(&self, id: OperationId) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(
            "select ordinal, event, output, error ->> 'kind' as kind
               from operation_steps where operation_id = $1 order by seq",
        )
        .bind(id)
        .fetch_all(&self.statements)
        .await?;
        rows.iter()
            .map(|row| {
                let ordinal: i32 = row.try_get("ordinal")?;
                let event = Event::of_word(row.try_get("event")?).ok_or(StoreError::Unreadable)?;
                let class = row.try_get::<Option<&str>, _>("kind")?.map(Class::of_word);
                Ok(Entry { ordinal: ordinal as usize, event, output: row.try_get("output")?, class })
            })
            .collect()
    }
}

fn bind_rows<'q>(
    statement: &'static str,
    id: OperationId,
    fence: i64,
    entries: &[NewEntry<'q>],
) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(statement)
        .bind(id)
        .bind(fence)
        .bind(entries.iter().map(|e| e.ordinal as i32).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.step).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.event.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.output.clone()).collect::<Vec<_>>())
        .bind(entries.iter().map(|e| e.error.clone()).collect::<Vec<_>>())
}
