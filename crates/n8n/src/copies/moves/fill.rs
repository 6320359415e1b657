//! Filling a tenant's own database from its part of a shared one.

use sqlx::postgres::PgConnection;

use super::{Moved, Moving, own};
use crate::{
    copies::{
        CopyError, Facts, Including, Stream, facts, member,
        script::{END, Piece, Script},
    },
    databases::{Name, PostgresDatabases, family, identifier, refused, run},
};

/// Tables that n8n fills anew once something is active, and of which the platform's own rows do not come along.
const MADE_ANEW: [&str; 2] = ["webhook_entity", "execution_annotations"];

/// Without it the server has no idea of what it has just been given.
const MEASURE: &str = "ANALYZE";

pub async fn fill(
    databases: &PostgresDatabases,
    from: &Name,
    to: &Name,
    moving: &Moving,
) -> Result<Moved, CopyError> {
    let mut inside = databases.open_filled(&to.to_string()).await?;
    family(&mut inside).await?;
    if !moving.again {
        own::is_empty(&mut inside).await?;
    }
    let moment = member::begin(databases, from, moving.sharing.clone()).await?;
    let including = Including { executions: moving.executions, files: moving.executions };
    pour(&mut inside, moment.dump(including).await?, (to, moving)).await?;
    run(&mut inside, "measure a copy", MEASURE).await?;
    let now = facts::all(&mut inside).await?;
    is_whole(moment.facts(), &now, including)?;
    let unopened = own::unopened(&mut inside, &moving.sharing.keys.own).await?;
    Ok(Moved { counts: now.counts, unopened, rows: now.rows.values().sum() })
}

/// All of the script and what has to be done to it, in the script's own transaction; as the tenant's role, whose everything is to be.
async fn pour(
    inside: &mut PgConnection,
    script: Stream,
    (to, moving): (&Name, &Moving),
) -> Result<(), CopyError> {
    let mut script = Script::new(script);
    let role = format!("SET LOCAL ROLE {}", identifier(&to.to_string()));
    while let Some(piece) = script.next().await? {
        match piece {
            Piece::Copy(statement) => rows(inside, &statement, &mut script).await?,
            Piece::Statement(end) if end == END => {
                own::settle(inside, moving).await?;
                run(inside, "fill a database", end).await?;
            }
            Piece::Statement(comment) if comment.starts_with("--") => {}
            Piece::Statement(statement) => {
                let begins = statement == "BEGIN;";
                run(inside, "fill a database", statement).await?;
                if begins {
                    run(inside, "fill a database", role.as_str()).await?;
                    if moving.again {
                        own::empty(inside).await?;
                    }
                }
            }
            Piece::Rows(..) | Piece::EndOfRows => {
                return Err(CopyError::NotWhole("it has rows of no table".to_owned()));
            }
        }
    }
    Ok(())
}

async fn rows(inside: &mut PgConnection, statement: &str, script: &mut Script) -> Result<(), CopyError> {
    let failed = refused("fill a table");
    let mut into = inside.copy_in_raw(statement).await.map_err(&failed)?;
    loop {
        match script.next().await {
            Ok(Some(Piece::Rows(rows, _))) => {
                into.send(rows).await.map_err(&failed)?;
            }
            Ok(Some(Piece::EndOfRows)) => break,
            Ok(Some(Piece::Copy(_) | Piece::Statement(_)) | None) => {
                into.abort("it ends within a table").await.map_err(&failed)?;
                return Err(CopyError::NotWhole("it ends within a table".to_owned()));
            }
            Err(error) => {
                into.abort("what is copied does not come any more").await.map_err(&failed)?;
                return Err(error);
            }
        }
    }
    into.finish().await.map(drop).map_err(failed)?;
    Ok(())
}

/// Every row of every table.
fn is_whole(then: &Facts, now: &Facts, including: Including) -> Result<(), CopyError> {
    let left_out: Vec<_> = including.left_out().chain(MADE_ANEW).collect();
    for (table, rows) in then.rows.iter().filter(|(table, _)| !left_out.contains(&table.as_str())) {
        let found = now.rows.get(table).copied().unwrap_or_default();
        if found != *rows {
            return Err(CopyError::NotWhole(format!(
                "it has {found} rows in {table}, and there were {rows}"
            )));
        }
    }
    Ok(())
}
