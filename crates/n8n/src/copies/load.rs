//! Filling a database from a dump, or from the script of one member.

use std::io::{self, Write as _};

use sqlx::postgres::PgConnection;

use super::{
    Contents, CopyError, Facts, Filling, Stream, facts, moves::pour_alone, process::ProgramError,
    server::PostgresCopies,
};
use crate::{
    Version,
    databases::{BeingFilled, Name, ensure_meter, run},
};

/// Everything that hangs on an execution goes, or lets go of it, with its row.
const WITHOUT_EXECUTIONS: &str =
    "DELETE FROM execution_entity; DELETE FROM binary_data WHERE \"sourceType\" = 'execution'";

/// Nothing begins by itself: n8n starts what is active, what is due, what waits for its time and what was not finished.
const ASLEEP: &str = r#"
    UPDATE workflow_entity SET active = false, "activeVersionId" = NULL WHERE active OR "activeVersionId" IS NOT NULL;
    DELETE FROM webhook_entity;
    DELETE FROM workflow_publication_outbox;
    DELETE FROM scheduled_job WHERE "ownerType" = 'workflow';
    UPDATE execution_entity SET status = 'canceled', "waitTill" = NULL, "stoppedAt" = coalesce("stoppedAt", now())
     WHERE status IN ('new', 'running', 'waiting', 'unknown') OR "waitTill" IS NOT NULL"#;

/// What a copy brings along was counted in the original.
const COUNTED_ELSEWHERE: &str = "DELETE FROM rp9.execution";

pub async fn load(
    copies: &PostgresCopies,
    name: &Name,
    dump: Stream,
    contents: &Contents,
    filling: Filling,
) -> Result<Facts, CopyError> {
    let database = filling.database(name);
    let filled = BeingFilled::begin(&copies.databases, name, database.clone()).await?;
    // The program does not put a keeper right that is not let in.
    drop(copies.databases.open_filled(name, &database).await?);
    restore(copies, (name, &database), dump, contents).await?;
    let mut inside = copies.databases.open_filled(name, &database).await?;
    finish(copies, (name, &mut inside), filled, filling).await
}

pub async fn load_member(
    copies: &PostgresCopies,
    name: &Name,
    script: Stream,
    release: Version,
    filling: Filling,
) -> Result<Facts, CopyError> {
    let database = filling.database(name);
    let filled = BeingFilled::begin_with_tables(&copies.databases, name, database.clone(), release).await?;
    let mut inside = copies.databases.open_filled(name, &database).await?;
    pour_alone(&mut inside, script, name).await?;
    finish(copies, (name, &mut inside), filled, filling).await
}

/// What is left out goes, and what is there is counted.
async fn finish(
    copies: &PostgresCopies,
    (name, inside): (&Name, &mut PgConnection),
    filled: BeingFilled,
    filling: Filling,
) -> Result<Facts, CopyError> {
    if !filling.executions {
        run(inside, "leave executions out", WITHOUT_EXECUTIONS).await?;
    }
    if filling.asleep {
        run(inside, "put a copy to sleep", ASLEEP).await?;
    }
    ensure_meter(&copies.databases, name, &filling.database(name)).await?;
    run(inside, "count a copy from nothing", COUNTED_ELSEWHERE).await?;
    // Without it the server has no idea of what it has just been given.
    run(inside, "measure a copy", "ANALYZE").await?;
    let facts = facts::all(inside).await?;
    filled.finish().await?;
    Ok(facts)
}

/// As the tenant's role, whose everything in it is to be.
async fn restore(
    copies: &PostgresCopies,
    (name, database): (&Name, &str),
    dump: Stream,
    contents: &Contents,
) -> Result<(), CopyError> {
    let unwritten = |source: io::Error| ProgramError::Start { program: "pg_restore", source };
    let mut list = tempfile::NamedTempFile::new().map_err(unwritten)?;
    list.write_all(contents.wanted().as_bytes()).map_err(unwritten)?;
    let mut program = copies.programs_for(name)?.program("pg_restore", Some(name))?;
    program.command.args(["--no-owner", "--no-privileges", "--exit-on-error"]);
    program.command.arg(format!("--role={name}")).arg(format!("--dbname={database}"));
    program.command.arg("--use-list").arg(list.path());
    program.feed(dump).await.map(drop)
}
