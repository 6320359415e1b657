//! A script is loaded, and what has to be done to it, in its own transaction.

use sqlx::postgres::PgConnection;

use super::{Moving, bring, own};
use crate::{
    copies::{
        CopyError, Stream, member,
        script::{END, Piece, Script},
    },
    databases::{Name, identifier, refused, run},
    members::Place,
};

/// Where to.
pub enum Pouring<'a> {
    /// Into a database of somebody's own.
    Own { of: &'a Name, moving: &'a Moving },
    /// Into a member's part of the database of this shared n8n, which had so many workflows, credentials and data tables where it was.
    Part { of: &'a Name, place: &'a Place, owned: (i64, i64, i64) },
}

impl Pouring<'_> {
    /// Whose everything is to be.
    const fn role(&self) -> &Name {
        match self {
            Self::Own { of, .. } | Self::Part { of, .. } => of,
        }
    }

    async fn begin(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        match self {
            Self::Own { moving, .. } if moving.again => own::empty(inside).await?,
            Self::Own { .. } => {}
            Self::Part { place, .. } => member::name(inside, place).await?,
        }
        Ok(())
    }

    async fn settle(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        match self {
            Self::Own { moving, .. } => own::settle(inside, moving).await,
            Self::Part { place, owned, .. } => bring::settle(inside, place, *owned).await,
        }
    }
}

/// All of it or nothing.
pub async fn pour(inside: &mut PgConnection, script: Stream, into: &Pouring<'_>) -> Result<(), CopyError> {
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
