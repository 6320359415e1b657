//! Those who are to notice nothing: callers who look at a tenant, evenly, each over a connection that stays.

use std::time::Duration;

use common::{id::TenantId, service::Tasks};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use testkit::portal::{Caller, Client};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

const CALLERS: u32 = 4;
/// A second, all together: a small part of what a gateway can do, so that waiting is somebody else's doing.
const RATE: u32 = 100;

/// What they ask with.
#[derive(Clone)]
pub struct Others {
    port: u16,
    caller: Caller,
    tenant: TenantId,
}

impl Others {
    /// Somebody with one tenant.
    pub async fn settle(tasks: &Tasks, port: u16) -> anyhow::Result<Self> {
        let caller = Caller::new()?;
        let (status, body) =
            Client::connect(tasks, port).await?.send(caller.create(Uuid::now_v7(), "pro")?).await?;
        anyhow::ensure!(status.as_u16() == 201, "{status}: {}", String::from_utf8_lossy(&body));
        let created: serde_json::Value = serde_json::from_slice(&body)?;
        let tenant = created["tenant_id"].as_str().unwrap_or_default().parse()?;
        Ok(Self { port, caller, tenant })
    }

    /// Their tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Asks for so long, and tells how many microseconds each answer took. Whoever is not answered, or refused, ends it.
    pub async fn ask(&self, tasks: &Tasks, length: Duration) -> anyhow::Result<Histogram<u64>> {
        let callers = (0..CALLERS).map(|number| self.ask_as_one(tasks, length, number));
        let mut all = Histogram::new(3)?;
        for waited in try_join_all(callers).await? {
            all.add(waited)?;
        }
        Ok(all)
    }

    async fn ask_as_one(
        &self,
        tasks: &Tasks,
        length: Duration,
        number: u32,
    ) -> anyhow::Result<Histogram<u64>> {
        let (mut client, mut waited) = (Client::connect(tasks, self.port).await?, Histogram::new(3)?);
        let (pause, begun) = (Duration::from_secs(1) * CALLERS / RATE, Instant::now());
        let mut turns = tokio::time::interval_at(begun + pause * number / CALLERS, pause);
        // Whoever was kept waiting asks what is due at once: a pause of the gateway is felt by all who would have asked meanwhile.
        turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            let due = turns.tick().await;
            if due.duration_since(begun) > length {
                return Ok(waited);
            }
            client.expect(self.caller.show(self.tenant)?, 200.try_into()?).await?;
            waited.record(u64::try_from(due.elapsed().as_micros())?)?;
        }
    }
}
