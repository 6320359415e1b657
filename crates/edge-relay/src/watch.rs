//! Looking at every side through Traefik, again and again. Traefik's own health checks begin anew with each document, and take
//! everything for healthy until they have looked.

use std::{
    collections::HashSet,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::service::{Interval, Round, Tasks};
use edge::{Mark, health::Side, probe::Lookout};
use futures::StreamExt as _;

use crate::relay::Relay;

/// What is in doubt is looked at in every round. An n8n that was killed needs three seconds before it listens again, and answers
/// with 404 then: by that time it must have been seen twice and Traefik must know.
const ROUND: Duration = Duration::from_millis(250);

/// What is well is looked at in every fourth round.
const WELL_EVERY: u64 = 4;

/// So many questions at once: each is a connection of Traefik's.
const AT_ONCE: usize = 64;

/// Looks at every side until the process stops.
pub fn watch(tasks: &Tasks, relay: Relay, lookout: Lookout) {
    let watching = Watching {
        tasks: tasks.clone(),
        relay,
        lookout: Arc::new(lookout),
        asked: Asked::default(),
        round: 0,
    };
    tasks.every(Interval::new("watch", ROUND), watching);
}

/// What is remembered from round to round.
struct Watching {
    tasks: Tasks,
    relay: Relay,
    lookout: Arc<Lookout>,
    asked: Asked,
    round: u64,
}

impl Round for Watching {
    type Error = Infallible;

    /// Begins to look at whatever is due; a side that has not answered yet is not asked again.
    async fn run(&mut self) -> Result<(), Infallible> {
        if self.round == 0 {
            self.first_look().await;
        }
        let all = self.round.is_multiple_of(WELL_EVERY);
        self.round += 1;
        let due = self.relay.sides().into_iter().filter(|(_, _, doubtful)| *doubtful || all);
        for (side, mark, _) in due {
            if let Some(asking) = self.asked.ask(&side) {
                let (relay, lookout, stopping) =
                    (self.relay.clone(), self.lookout.clone(), self.tasks.stopping());
                self.tasks.spawn_one("look", async move {
                    stopping.run_until_cancelled(look(&relay, &lookout, side, mark)).await;
                    drop(asking);
                });
            }
        }
        Ok(())
    }
}

impl Watching {
    /// Each remembered side once, before anything is served: a Traefik that runs would otherwise be told that nothing is ready.
    async fn first_look(&self) {
        let looks = self.relay.sides().into_iter();
        let looks = looks.map(|(side, mark, _)| look(&self.relay, &self.lookout, side, mark));
        futures::stream::iter(looks).buffer_unordered(AT_ONCE).for_each(async |()| ()).await;
        self.relay.looked();
    }
}

async fn look(relay: &Relay, lookout: &Lookout, side: Side, mark: Mark) {
    relay.note(&side, lookout.look(&side, mark).await);
}

/// The sides that are being looked at.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<HashSet<Side>>>);

/// One of them, until this is dropped.
struct Asking {
    asked: Asked,
    side: Side,
}

impl Asked {
    /// Nothing, if this side is being asked already, or too many others are.
    fn ask(&self, side: &Side) -> Option<Asking> {
        let mut asked = self.sides();
        let free = asked.len() < AT_ONCE && asked.insert(side.clone());
        free.then(|| Asking { asked: self.clone(), side: side.clone() })
    }

    fn sides(&self) -> MutexGuard<'_, HashSet<Side>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.asked.sides().remove(&self.side);
    }
}
