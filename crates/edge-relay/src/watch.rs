//! Looking at every side through Traefik, again and again. Traefik's own health checks begin anew with each document, and take
//! everything for healthy until they have looked.
//!
//! It is no [`common::service::Round`]: the looks of several rounds are under way at once, and a side that hangs holds up no other round.

mod probe_queue;

use std::time::Duration;

use edge::{Mark, health::Side, probe::Prober};
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::relay::Relay;
use probe_queue::{AT_ONCE, ProbeQueue};

/// What is in doubt is looked at in every round. An n8n that was killed needs three seconds before it listens again, and answers
/// with 404 then: by that time it must have been seen twice and Traefik must know.
const ROUND: Duration = Duration::from_millis(250);

/// Looks at every side until the process stops.
pub async fn watch(relay: Relay, prober: Prober, stopping: CancellationToken) {
    if stopping.run_until_cancelled(first_look(&relay, &prober)).await.is_none() {
        return;
    }
    let mut ticks = interval(ROUND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut queue) = (FuturesUnordered::new(), ProbeQueue::new());
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            Some(side) = looks.next() => queue.ended(side),
            _ = ticks.tick() => queue.begin(relay.sides()),
        }
        while let Some((side, mark)) = queue.next() {
            looks.push(look(&relay, &prober, side, mark));
        }
    }
}

/// Each remembered side once, before anything is served: a Traefik that runs would otherwise be told that nothing is ready.
async fn first_look(relay: &Relay, prober: &Prober) {
    let looks = relay.sides().into_iter().map(|(side, mark, _)| look(relay, prober, side, mark));
    futures::stream::iter(looks).buffer_unordered(AT_ONCE).for_each(async |_| ()).await;
    relay.looked();
}

async fn look(relay: &Relay, prober: &Prober, side: Side, mark: Mark) -> Side {
    relay.note(&side, prober.look(&side, mark).await);
    side
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use common::{
        id::{RecordId, TenantId},
        service::Readiness,
        tenant::{Color, Purpose},
    };
    use edge::{Route, Settings, Snapshot, Target};
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;
    use crate::memory::Memory;

    #[tokio::test]
    async fn the_first_look_hears_the_stop() {
        // Accepts, and never answers.
        let hung = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let prober = Prober::through(&format!("http://{}", hung.local_addr().unwrap())).unwrap();
        let target = Target {
            color: Color::Blue,
            url: "http://10.0.0.2:5678".parse().unwrap(),
            weight: 1,
            webhook_weight: None,
        };
        let (host, tenant) = ("acme.localhost".parse().unwrap(), TenantId::generate());
        let routes = vec![Route {
            host,
            tenant,
            purpose: Purpose::Customer,
            targets: vec![target],
            workspace: None,
            formerly: None,
            stand_in: None,
            generation: 1,
        }];
        let folder = std::env::temp_dir().join(format!("rp9-watch-{}", Uuid::now_v7()));
        let memory = Memory::at(folder.clone()).unwrap();
        memory
            .keep(&Snapshot { record: RecordId::from_uuid(Uuid::from_u128(1)), routes, left: Vec::new() })
            .unwrap();
        let waiting = "http://edge-relay:8082".parse().unwrap();
        let settings =
            Settings { tls: None, waiting, in_flight: 500, tenants: "10.201.0.0/16".parse().unwrap() };
        let relay = Relay::remember(memory, settings, Readiness::default().latch("routes")).unwrap();
        let stopping = CancellationToken::new();
        stopping.cancel();
        let watched = tokio::time::timeout(Duration::from_secs(1), watch(relay.clone(), prober, stopping));
        assert!(watched.await.is_ok(), "a look waits for two seconds");
        assert!(relay.document().is_none(), "nothing was seen");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
