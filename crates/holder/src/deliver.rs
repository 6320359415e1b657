//! Held calls are sent on as soon as they reach their n8n again, of each path in the order in which they came.
//!
//! Whether a tenant is back is not asked of anybody: the first of its calls is sent, and comes back with the edge's page as long as it is not.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use common::{error::chain, id::TenantId};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use sqlx::PgPool;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics,
    send::{Sender, Sent},
    store::{self, Claimed, End, Take},
    verdict::{Verdict, verdict},
    waiters::Waiters,
};

/// Sent at the same time by one gateway, and of one tenant.
const AT_ONCE: usize = 64;
const OF_TENANT: usize = 16;

/// So many bytes of bodies are on their way at once, and one body more: each takes up some times as much until it is sent.
const BYTES_AT_ONCE: usize = 16 << 20;

/// A gateway that dies is missed after this.
const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);

const LOOK_EVERY: Duration = Duration::from_millis(250);
const RECORD_AWAY: Duration = Duration::from_secs(1);

/// Whoever delivers.
pub struct Deliverer {
    pub record: PgPool,
    pub sender: Sender,
    pub waiters: Waiters,
}

/// What is under way, whose calls are left alone for a moment, and who was not back when it was last tried.
#[derive(Default)]
struct State {
    under_way: HashMap<TenantId, usize>,
    bytes: usize,
    resting: HashMap<TenantId, Instant>,
    away: HashSet<TenantId>,
}

/// A delivery that has ended.
struct Done {
    tenant: TenantId,
    /// Of its body.
    bytes: usize,
    /// From when on its tenant is looked at again, where that is not back.
    rests: Option<Duration>,
}

impl Deliverer {
    /// Does so until told to stop; what is under way is waited for.
    pub async fn run(self, stopping: CancellationToken) {
        let (mut state, mut under_way) = (State::default(), FuturesUnordered::<BoxFuture<'_, Done>>::new());
        while !stopping.is_cancelled() {
            let claimed = {
                let mut claiming = std::pin::pin!(self.claim(state.take(under_way.len())));
                let mut ended = Vec::new();
                // Those under way go on meanwhile: what they note takes connections that claiming waits for.
                let claimed = loop {
                    tokio::select! {
                        claimed = &mut claiming => break claimed,
                        Some(done) = under_way.next() => ended.push(done),
                    }
                };
                ended.into_iter().for_each(|done| state.end(done));
                claimed
            };
            let pause = match claimed {
                Ok(claimed) => {
                    for claimed in claimed {
                        state.begin(&claimed);
                        under_way.push(self.deliver(claimed).boxed());
                    }
                    LOOK_EVERY
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "held calls are delivered later");
                    RECORD_AWAY
                }
            };
            tokio::select! {
                () = stopping.cancelled() => {}
                Some(done) = under_way.next() => state.end(done),
                () = sleep(pause) => {}
            }
        }
        while let Some(done) = under_way.next().await {
            state.end(done);
        }
    }

    async fn claim(&self, take: Option<Take>) -> Result<Vec<Claimed>, sqlx::Error> {
        match take {
            Some(take) => store::claim(&self.record, &take, LEASE).await,
            None => Ok(Vec::new()),
        }
    }

    /// One call, whatever becomes of it.
    async fn deliver(&self, claimed: Claimed) -> Done {
        let sent = self.send(&claimed).await;
        let verdict = verdict(&sent, claimed.tries);
        metrics::sent(&verdict);
        let rests = if let Verdict::NotYet(pause) = verdict { Some(pause) } else { None };
        while let Err(error) = self.note(&claimed, &sent, &verdict).await {
            // It is ours for as long as the lease lasts, and may be sent again after that: what is known is not given up before.
            tracing::warn!(error = chain(&error), "what became of a held call is noted later");
            sleep(RECORD_AWAY).await;
        }
        Done { tenant: claimed.tenant, bytes: claimed.call.body.len(), rests }
    }

    /// Says again and again that it is still being sent.
    async fn send(&self, claimed: &Claimed) -> Sent {
        let mut sending = std::pin::pin!(self.sender.send(claimed));
        let mut renewing = interval(RENEW_EVERY);
        renewing.tick().await;
        loop {
            tokio::select! {
                sent = &mut sending => return sent,
                _ = renewing.tick() => {
                    if let Err(error) = store::renew(&self.record, claimed.receipt, LEASE).await {
                        tracing::warn!(error = chain(&error), "a held call may be sent twice");
                    }
                }
            }
        }
    }

    async fn note(&self, claimed: &Claimed, sent: &Sent, verdict: &Verdict) -> Result<(), sqlx::Error> {
        let receipt = claimed.receipt;
        let end = match verdict {
            Verdict::NotYet(pause) => {
                return store::put_back(&self.record, (receipt, false), *pause, why(sent)).await;
            }
            Verdict::Again(pause) => {
                return store::put_back(&self.record, (receipt, true), *pause, why(sent)).await;
            }
            Verdict::Dead => End::Dead,
            Verdict::Delivered => End::Delivered(match sent {
                Sent::Answered(answer) => Some(answer.clone()),
                Sent::Page | Sent::Throttled | Sent::Silent | Sent::Unreached(_) | Sent::BrokenOff(_) => None,
            }),
        };
        store::end(&self.record, receipt, (&end, why(sent))).await?;
        self.waiters.tell(receipt, end);
        Ok(())
    }
}

impl State {
    /// What may be taken now, beside so many that are under way.
    fn take(&self, under_way: usize) -> Option<Take> {
        let (free, bytes) = (AT_ONCE.saturating_sub(under_way), BYTES_AT_ONCE.saturating_sub(self.bytes));
        if free == 0 || bytes == 0 {
            return None;
        }
        let [most, of_tenant, bytes] =
            [free, OF_TENANT, bytes].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let away = self.away.iter().copied().collect();
        Some(Take { most, of_tenant, bytes, without: self.without(Instant::now()), away })
    }

    fn without(&self, now: Instant) -> Vec<TenantId> {
        let resting = self.resting.iter().filter(|(_, until)| **until > now).map(|(tenant, _)| *tenant);
        let enough = |tenant: &TenantId| if self.away.contains(tenant) { 1 } else { OF_TENANT };
        let busy = self.under_way.iter().filter(|(tenant, count)| **count >= enough(tenant));
        resting.chain(busy.map(|(tenant, _)| *tenant)).collect()
    }

    fn begin(&mut self, claimed: &Claimed) {
        *self.under_way.entry(claimed.tenant).or_default() += 1;
        self.bytes += claimed.call.body.len();
    }

    fn end(&mut self, Done { tenant, bytes, rests }: Done) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(count) = self.under_way.get_mut(&tenant) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&tenant);
            }
        }
        self.resting.retain(|_, until| *until > Instant::now());
        match rests {
            Some(pause) => {
                self.resting.insert(tenant, Instant::now() + pause);
                self.away.insert(tenant);
            }
            None => drop(self.away.remove(&tenant)),
        }
    }
}

/// In words, for whoever asks what became of it.
fn why(sent: &Sent) -> String {
    match sent {
        Sent::Answered(answer) => format!("The n8n answered {}.", answer.status),
        Sent::Page => "The tenant is not reached yet.".to_owned(),
        Sent::Throttled => {
            "So many of the tenant's calls are under way that the edge lets no more in.".to_owned()
        }
        Sent::Silent => "The n8n took it, and gave no answer for a quarter of an hour.".to_owned(),
        Sent::Unreached(why) => format!("The edge was not reached: {why}."),
        Sent::BrokenOff(why) => format!("The connection ended before there was an answer: {why}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(tenant: TenantId, rests: Option<Duration>) -> Done {
        Done { tenant, bytes: 0, rests }
    }

    #[test]
    fn whoever_is_not_back_rests_and_whoever_has_enough_under_way_waits() {
        let ([away, busy, other], mut state) = ([(); 3].map(|()| TenantId::generate()), State::default());
        for tenant in [away, other] {
            state.under_way.insert(tenant, 1);
        }
        state.under_way.insert(busy, OF_TENANT);
        state.end(done(away, Some(Duration::from_secs(60))));
        state.end(done(other, None));
        let mut without = state.without(Instant::now());
        without.sort();
        let mut expected = vec![away, busy];
        expected.sort();
        assert_eq!(without, expected);
        state.end(done(busy, None));
        assert_eq!(state.without(Instant::now()), [away]);
        assert_eq!(state.without(Instant::now() + Duration::from_secs(61)), []);
    }

    #[test]
    fn whoever_is_not_back_is_tried_with_one_call_until_it_is() {
        let (tenant, mut state) = (TenantId::generate(), State::default());
        state.end(done(tenant, Some(Duration::ZERO)));
        assert_eq!(state.take(0).unwrap().away, [tenant]);
        state.under_way.insert(tenant, 1);
        assert_eq!(state.without(Instant::now()), [tenant]);
        state.end(done(tenant, None));
        assert_eq!(state.take(0).unwrap().away, []);
    }

    #[test]
    fn what_is_on_its_way_has_an_end_in_bytes_too() {
        let state = State { bytes: BYTES_AT_ONCE - 1, ..State::default() };
        assert_eq!(state.take(0).unwrap().bytes, 1);
        assert!(State { bytes: BYTES_AT_ONCE, ..State::default() }.take(0).is_none());
        assert!(State::default().take(AT_ONCE).is_none());
    }
}
