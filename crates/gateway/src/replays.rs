//! Sending dead letters again: at least once, by whichever replica is first.

use std::time::Duration;

use common::{
    bus::BusError,
    service::{Interval, Round},
};
use sqlx::PgPool;

use crate::{app::App, store::dead_letters::Replaying};

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

/// Sends until the process stops.
pub fn start(app: &App) {
    let sweep = Interval::new("replay", SWEEP).failing("dead letters wait to be sent again");
    app.tasks.every(sweep, Replays(app.clone()));
}

struct Replays(App);

impl Round for Replays {
    type Error = Stopped;

    async fn run(&mut self) -> Result<(), Stopped> {
        let Self(app) = self;
        let sent = send_what_waits(app, &app.database).await;
        if sent.is_err() {
            // The stream may not be there yet, or not any more.
            let _ = app.bus.ensure_stream(&wire::COMMANDS).await;
        }
        sent
    }

    async fn woken(&mut self) {
        self.0.replays.notified().await;
    }
}

async fn send_what_waits(app: &App, database: &PgPool) -> Result<(), Stopped> {
    while let Some(replaying) = Replaying::begin(database).await? {
        let letter = &replaying.letter;
        let headers = letter.headers.as_object().into_iter().flatten();
        let headers: Vec<_> =
            headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        // Who dies between the bus and the record sends it again under the same id, which the stream drops.
        let message_id = format!("{}.replay", letter.id);
        app.bus.resend(letter.subject.clone(), &headers, letter.payload.clone(), &message_id).await?;
        replaying.sent().await?;
    }
    Ok(())
}
