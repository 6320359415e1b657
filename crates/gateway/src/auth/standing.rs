//! For how long somebody may go on with what they began: a stream outlives the look at its caller's token.

use std::time::Duration;

use common::id::KeyId;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::Identity;
use crate::app::App;

/// How often it is looked whether a key is good still.
const LOOKED_EVERY: Duration = Duration::from_millis(500);
/// For how long a key is trusted while nobody can look.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// Why somebody may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The token's or the key's time is over.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The record does not answer, so that nobody knows.
    Unknown,
}

/// Somebody who was let in.
pub struct Standing {
    until: Instant,
    over: watch::Receiver<Option<Over>>,
    _looking: Option<AbortOnDropHandle<()>>,
}

impl Standing {
    /// Of this caller, from now on.
    #[expect(clippy::disallowed_methods, reason = "it ends with the stream that it is for")]
    pub fn of(app: &App, identity: &Identity) -> Self {
        let (tell, over) = watch::channel(None);
        let until = Instant::now() + identity.valid_for();
        let looking = identity.key().map(|key| {
            let (app, id) = (app.clone(), key.id());
            AbortOnDropHandle::new(tokio::spawn(async move {
                let end = until_not_good(&app, id).await;
                tell.send_replace(Some(end));
            }))
        });
        Self { until, over, _looking: looking }
    }

    /// Returns when it is over. Nothing is lost when this is not waited for to the end.
    pub fn over(&self) -> impl Future<Output = Over> + use<> {
        let (over, until) = (self.over.clone(), self.until);
        async move {
            tokio::select! {
                biased;
                Some(over) = told(over) => over,
                () = sleep_until(until) => Over::Expired,
            }
        }
    }
}

/// None where nobody looks.
async fn told(mut over: watch::Receiver<Option<Over>>) -> Option<Over> {
    *over.wait_for(Option::is_some).await.ok()?
}

async fn until_not_good(app: &App, key: KeyId) -> Over {
    let mut seen_good = Instant::now();
    loop {
        sleep(LOOKED_EVERY).await;
        let began = Instant::now();
        match timeout_at(seen_good + TRUSTED_FOR, app.keys.is_good(key)).await {
            Ok(Ok(true)) => seen_good = began,
            Ok(Ok(false)) => return Over::Revoked,
            Ok(Err(_)) if seen_good.elapsed() < TRUSTED_FOR => {}
            Ok(Err(_)) | Err(_) => return Over::Unknown,
        }
    }
}
