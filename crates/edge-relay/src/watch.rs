//! Looking at every side through Traefik, again and again. Traefik's own health checks begin anew with each document, and take
//! everything for healthy until they have looked.

use std::{collections::HashSet, time::Duration};

use edge::{Mark, health::Side, probe::Lookout};
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::relay::Relay;

/// What is in doubt is looked at in every round. An n8n that was killed needs three seconds before it listens again, and answers
/// with 404 then: by that time it must have been seen twice and Traefik must know.
const ROUND: Duration = Duration::from_millis(250);

/// What is well is looked at in every fourth round.
const WELL_EVERY: u64 = 4;

/// So many questions at once: each is a connection of Traefik's.
const AT_ONCE: usize = 64;

/// Looks at every side until the process stops.
pub async fn watch(relay: Relay, lookout: Lookout, stopping: CancellationToken) {
    first_look(&relay, &lookout).await;
    let mut ticks = interval(ROUND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut asked, mut round) = (FuturesUnordered::new(), HashSet::new(), 0);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            Some(side) = looks.next() => { asked.remove(&side); }
            _ = ticks.tick() => {
                let due = relay.sides().into_iter().filter(|(_, _, doubtful)| *doubtful || round % WELL_EVERY == 0);
                for (side, mark, _) in due {
                    if looks.len() < AT_ONCE && asked.insert(side.clone()) {
                        looks.push(look(&relay, &lookout, side, mark));
                    }
                }
                round += 1;
            }
        }
    }
}

/// Each remembered side once, before anything is served: a Traefik that runs would otherwise be told that nothing is ready.
async fn first_look(relay: &Relay, lookout: &Lookout) {
    let looks = relay.sides().into_iter().map(|(side, mark, _)| look(relay, lookout, side, mark));
    futures::stream::iter(looks).buffer_unordered(AT_ONCE).for_each(async |_| ()).await;
    relay.looked();
}

async fn look(relay: &Relay, lookout: &Lookout, side: Side, mark: Mark) -> Side {
    relay.note(&side, lookout.look(&side, mark).await);
    side
}
