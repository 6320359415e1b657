//! What a tenant's containers wrote, asked for over the bus.

use std::time::Duration;

use common::{
    error::{Kind, chain},
    operations::StepError,
};
use engine::{ContainerError, ContainerRef, LogQuery, LogStream};
use futures::future::join_all;
use n8n::launch::{Secret, Secrets};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use tokio::time::timeout;
use wire::{AskLogs, LogLine, LoggedRole, Logs, MOST_TEXT};

use super::NoAnswer;
use crate::{
    World,
    store::instances::{self, Instance, Place},
};

/// Less than whoever asks waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers one question.
pub async fn logs(pool: &PgPool, world: &World, question: AskLogs) -> Result<Logs, NoAnswer> {
    world.is_home_of(pool, question.tenant).await?;
    let instances = instances::of_tenant(pool, question.tenant).await?;
    let asked: Vec<_> = instances.iter().filter(|instance| is_asked(question.role, instance)).collect();
    if asked.is_empty() {
        return Err(StepError::failed(Kind::NotFound, "Nothing runs for this tenant.").into());
    }
    let secrets = world.secrets(pool, question.tenant).await?.instance;
    let bytes = MOST_TEXT / asked.len();
    let query = LogQuery { tail: question.tail, after: question.after, bytes };
    let read = asked.into_iter().map(|instance| of_one(world, &question, instance, query));
    let read = whatever_was_read(join_all(read).await)?;
    let truncated = read.iter().any(|logs| logs.truncated);
    let mut lines: Vec<_> = read.into_iter().flat_map(|logs| logs.lines).collect();
    lines.sort_by_key(|line| line.at);
    let surplus = lines.len().saturating_sub(question.tail.into());
    lines.drain(..surplus);
    for line in &mut lines {
        line.text = blot_out(std::mem::take(&mut line.text), &secrets);
    }
    Ok(Logs { lines, truncated: truncated || surplus > 0 })
}

/// What some containers wrote is worth having also while others cannot be read; nothing at all is an error.
fn whatever_was_read(read: Vec<Result<Logs, StepError>>) -> Result<Vec<Logs>, StepError> {
    let (read, unread): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    match unread.into_iter().find_map(Result::err) {
        Some(error) if read.is_empty() => Err(error),
        Some(_) | None => Ok(read.into_iter().flatten().collect()),
    }
}

fn is_asked(role: Option<LoggedRole>, instance: &Instance) -> bool {
    match role {
        None => true,
        // Whatever answers callers.
        Some(LoggedRole::Main) => matches!(instance.place, Place::Main | Place::Front),
        Some(LoggedRole::Worker) => matches!(instance.place, Place::Worker(_)),
    }
}

/// A container that is not there at the moment has nothing to say.
async fn of_one(
    world: &World,
    question: &AskLogs,
    instance: &Instance,
    query: LogQuery,
) -> Result<Logs, StepError> {
    let container = ContainerRef {
        name: instance.name.clone(),
        tenant: Some(question.tenant),
        cluster: world.site.cluster.clone(),
        generation: None,
    };
    let read = timeout(PATIENCE, world.containers.logs(&container, query)).await;
    let read = match read {
        Ok(Err(ContainerError::NotFound { .. })) => return Ok(Logs { lines: Vec::new(), truncated: false }),
        Ok(read) => read.inspect_err(|error| {
            tracing::warn!(
                instance = instance.name,
                error = chain(error),
                "a container's log could not be read"
            );
        })?,
        Err(_) => {
            tracing::warn!(instance = instance.name, "a container's log could not be read in time");
            return Err(StepError::failed(Kind::Timeout, "The container's log could not be read in time."));
        }
    };
    let line = |line: engine::LogLine| LogLine {
        instance: instance.name.clone(),
        at: line.at,
        stream: match line.stream {
            LogStream::Stdout => "stdout".into(),
            LogStream::Stderr => "stderr".into(),
        },
        text: line.text,
    };
    Ok(Logs { lines: read.lines.into_iter().map(line).collect(), truncated: read.truncated })
}

/// What the platform gave the container is not the reader's to see; what workflows print is theirs.
fn blot_out(text: String, secrets: &Secrets) -> String {
    let given = [
        Secret::EncryptionKey,
        Secret::JwtSecret,
        Secret::DatabasePassword,
        Secret::RedisPassword,
        Secret::SmtpPassword,
    ];
    let given = given.into_iter().map(|secret| secrets.get(secret).expose_secret());
    given.filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(secret, "[secret]"))
}
