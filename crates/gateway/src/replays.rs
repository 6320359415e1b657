//! Sending dead letters again: at least once, by whichever replica is first.

use std::{sync::Arc, time::Duration};

use common::{
    bus::{Bus, BusError},
    service::{Interval, Round, Tasks},
};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::store::dead_letters::Replaying;

/// What another replica left behind, or the bus did not take, waits this long.
const SWEEP: Duration = Duration::from_secs(1);

/// Why sending did not go on.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the record did not answer")]
    Record(#[from] sqlx::Error),
    #[error("the bus did not take a dead letter")]
    Bus(#[from] BusError),
}

/// Sends until the process stops: what is there, and what is there when it is woken.
pub fn start(tasks: &Tasks, database: PgPool, bus: Bus, wake: Arc<Notify>) {
    let sweep = Interval::new("replay", SWEEP).failing("dead letters wait to be sent again");
    tasks.every(sweep, Replays { database, bus, wake });
}

struct Replays {
    database: PgPool,
    bus: Bus,
    wake: Arc<Notify>,
}

impl Round for Replays {
    type Error = Stopped;

    async fn run(&mut self) -> Result<(), Stopped> {
        let sent = self.send_what_waits().await;
        if sent.is_err() {
            // The stream may not be there yet, or not any more.
            let _ = self.bus.ensure_stream(&wire::COMMANDS).await;
        }
        sent
    }

    async fn woken(&mut self) {
        self.wake.notified().await;
    }
}

impl Replays {
    async fn send_what_waits(&self) -> Result<(), Stopped> {
        while let Some(replaying) = Replaying::begin(&self.database).await? {
            let letter = &replaying.letter;
            let headers = letter.headers.as_object().into_iter().flatten();
            let headers: Vec<_> = headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect();
            // Who dies between the bus and the record sends it again under the same id, which the stream drops.
            let message_id = format!("{}.replay", letter.id);
            self.bus.resend(letter.subject.clone(), &headers, letter.payload.clone(), &message_id).await?;
            replaying.sent().await?;
        }
        Ok(())
    }
}
