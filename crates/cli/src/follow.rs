//! Following an operation to its end.
//!
//! What is shown comes from the operation itself, read again whenever there may be news: events only wake. So nothing depends on
//! a stream that was cut, begins anew or never comes.

mod news;
mod operation;
mod told;

use std::time::Duration;

pub use operation::{End, Operation};

use crate::{
    api::{Api, Request, path},
    exit::Exit,
    failure::Failure,
    output::Notes,
};
use news::News;
use told::Told;

/// A gateway that is replaced is away for less; whoever wants to wait longer says so.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tells an operation's steps until it has ended; `wanted` is the end that was asked for.
pub async fn follow(api: &Api, notes: &Notes, id: &str, wanted: End) -> Result<Exit, Failure> {
    let ended = tokio::select! {
        ended = to_its_end(api, notes, id) => ended,
        _ = tokio::signal::ctrl_c() => {
            notes.note(&goes_on(id));
            return Ok(Exit::Interrupted);
        }
    };
    let operation = ended.inspect_err(|failure| {
        if failure.exit() == Exit::Unreachable {
            notes.note(&goes_on(id));
        }
    })?;
    conclude(notes, &operation, wanted)
}

fn goes_on(id: &str) -> String {
    format!("The operation goes on. To follow it again: rp9 operations watch {id}")
}

/// The operation as it is.
pub async fn look(api: &Api, id: &str) -> Result<Operation, Failure> {
    let answer = api.send_within(&Request::get(path(&["operations", id])), PATIENCE).await?;
    Operation::read(&answer.body)
}

async fn to_its_end(api: &Api, notes: &Notes, id: &str) -> Result<Operation, Failure> {
    let (mut told, mut news) = (Told::default(), News::of(api, id));
    loop {
        let operation = look(api, id).await?;
        for line in told.news_of(&operation) {
            notes.note(&line);
        }
        if operation.end().is_some() {
            return Ok(operation);
        }
        news.wait().await;
    }
}

/// What it came to.
fn conclude(notes: &Notes, operation: &Operation, wanted: End) -> Result<Exit, Failure> {
    let Some(end) = operation.end() else { return Ok(Exit::Failed) };
    if end == wanted {
        notes.note(&operation.conclusion());
        return Ok(Exit::Done);
    }
    notes.error(&operation.account(end));
    Ok(match end {
        // Somebody cancelled what could not be stopped any more.
        End::Succeeded => Exit::Failed,
        End::RolledBack => Exit::RolledBack,
        End::Stuck => Exit::Stuck,
        End::Abandoned => Exit::Abandoned,
    })
}
