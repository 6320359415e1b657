//! A script is loaded, and what has to be done to it, in its own transaction.

use async_trait::async_trait;
use sqlx::postgres::PgConnection;

use crate::{
    copies::{
        CopyError, Stream,
        script::{END, Piece, Script},
    },
    databases::{Name, identifier, refused, run},
};

/// Where to, and what is done there.
#[async_trait]
pub trait Pouring: Sync {
    /// Whose everything is to be.
    fn role(&self) -> &Name;

    /// Before anything comes.
    async fn begin(&self, inside: &mut PgConnection) -> Result<(), CopyError>;

    /// Once all of it is there.
    async fn settle(&self, inside: &mut PgConnection) -> Result<(), CopyError>;
}

/// All of it or nothing.
pub async fn pour(inside: &mut PgConnection, script: Stream, into: &impl Pouring) -> Result<(), CopyError> {
    let mut script = Script::new(script);
    let role = format!("SET LOCAL ROLE {}", identifier(&into.role().to_string()));
    while let Some(piece) = script.next().await? {
        match piece {
            Piece::Copy(statement) => rows(inside, &statement, &mut script).await?,
            Piece::Statement(end) if end == END => {
                into.settle(inside).await?;
                run(inside, "fill a database", end).await?;
            }
            Piece::Statement(comment) if comment.starts_with("--") => {}
            Piece::Statement(statement) => {
                let begins = statement == "BEGIN;";
                run(inside, "fill a database", statement).await?;
                if begins {
                    run(inside, "fill a database", role.as_str()).await?;
                    into.begin(inside).await?;
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
