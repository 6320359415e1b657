//! Asking the server.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue};

use super::QueueError;

/// How many keys a scan looks at, and a removal takes, at a time: Redis does nothing else meanwhile.
pub(super) const BATCH: usize = 500;

/// Sorts a failure: the server being away passes, its refusal does not.
pub(super) fn refused(what: &'static str) -> impl Fn(redis::RedisError) -> QueueError {
    move |error| {
        let loading =
            matches!(error.code(), Some("LOADING" | "BUSY" | "MASTERDOWN" | "TRYAGAIN" | "READONLY"));
        let away = error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || loading;
        if away { QueueError::Unavailable(error) } else { QueueError::Refused(what, error) }
    }
}

pub(super) async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    what: &'static str,
    command: &Cmd,
) -> Result<T, QueueError> {
    command.query_async(connection).await.map_err(refused(what))
}
