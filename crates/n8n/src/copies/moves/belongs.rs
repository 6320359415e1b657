//! Whatever came along into a member's part belongs to what came along, or to the member.
//!
//! It comes from a database of somebody's own, who may have written anything into it and taken its rules away. A row that names a workflow of somebody else's
//! would make that one theirs, too: `shared_workflow` is who owns what.

use sqlx::{AssertSqlSafe, postgres::PgConnection};

use super::brought::{EXECUTIONS, TABLES};
use crate::{
    copies::{
        CopyError,
        member::tables::{project, user},
    },
    databases::{DatabaseError, refused},
};

/// For each rule that ties rows of these tables (`$1`) to another's, the question how many of those that this transaction wrote are tied to one that it did not write, and that is
/// neither the member nor their project. Nothing here is in a transaction within this one, whose rows would bear another number.
const TIES: &str = concat!(
    r#"SELECT format('SELECT count(*) FROM %s c JOIN %s p ON %s WHERE c.xmin = %L::xid AND %s', tie.conrelid::regclass, tie.confrelid::regclass,
            (SELECT string_agg(format('p.%I = c.%I', there.attname, here.attname), ' AND ')
               FROM unnest(tie.conkey, tie.confkey) AS both_ends (here, there)
               JOIN pg_attribute here ON here.attrelid = tie.conrelid AND here.attnum = both_ends.here
               JOIN pg_attribute there ON there.attrelid = tie.confrelid AND there.attnum = both_ends.there),
            written.xid,
            CASE tie.confrelid WHEN 'public.user'::regclass THEN format('p.id <> %L::uuid', "#,
    user!(),
    r#") WHEN 'public.project'::regclass THEN format('p.id <> %L', "#,
    project!(),
    r#") ELSE format('p.xmin <> %L::xid', written.xid) END)
       FROM pg_constraint tie JOIN pg_class c ON c.oid = tie.conrelid,
            (SELECT (pg_current_xact_id()::text::numeric % 4294967296)::text AS xid) written
      WHERE tie.contype = 'f' AND tie.connamespace = 'public'::regnamespace AND c.relname = ANY ($1)"#
);

/// Fails where something came along that is tied to what is somebody else's.
pub async fn to_the_member(inside: &mut PgConnection) -> Result<(), CopyError> {
    let failed = refused("see whose everything is");
    let tables: Vec<_> = TABLES.iter().chain(EXECUTIONS).map(|table| table.name).collect();
    let ties: Vec<String> =
        sqlx::query_scalar(TIES).bind(tables).fetch_all(&mut *inside).await.map_err(&failed)?;
    let mut strange = 0;
    for tie in ties {
        let found: Result<i64, DatabaseError> =
            sqlx::query_scalar(AssertSqlSafe(tie)).fetch_one(&mut *inside).await.map_err(&failed);
        strange += found?;
    }
    if strange == 0 {
        return Ok(());
    }
    Err(CopyError::NotWhole(format!(
        "{strange} of its rows belong to what is somebody else's in the shared n8n"
    )))
}
