//! `POST /tenants`: accepted, refused, repeated; and those that do the same work without us.

use std::time::Duration;

use http::StatusCode;
use testkit::portal::Caller;
use uuid::Uuid;

use super::{Bench, Used};
use crate::{
    load::{self, Ask, Asked, Latencies},
    machine::Cpu,
    pgbench, record,
    services::Server,
};

/// What every tenant of the bench asks for.
const PLAN: &str = "pro";
/// So many commands are repeated in turns.
const KEYS: usize = 500;
/// Connections that ask before anything is measured.
const WARMING: usize = 16;

/// A tenant that nobody has asked for.
pub fn create(caller: &Caller) -> Asked {
    Ok((caller.create(Uuid::now_v7(), PLAN)?, StatusCode::CREATED))
}

impl Bench {
    /// Asks for everything some ten thousand times. Node compiles what is asked often, and is not to be measured before it has.
    pub async fn warm(&self, server: &Server) -> anyhow::Result<()> {
        let (port, caller, seconds) = (server.port, self.caller.clone(), Duration::from_secs(5));
        record::empty(&self.record).await?;
        let next =
            move || Ok((caller.create_nowhere(Uuid::now_v7(), PLAN)?, StatusCode::UNPROCESSABLE_ENTITY));
        load::closed(&Ask { port, next }, WARMING, seconds).await?;
        let caller = self.caller.clone();
        load::closed(&Ask { port, next: move || create(&caller) }, WARMING, seconds).await?;
        let (tenants, caller) = (record::ids(&self.record).await?, self.caller.clone());
        let next = super::in_turns(tenants, move |tenant| Ok((caller.show(*tenant)?, StatusCode::OK)));
        load::closed(&Ask { port, next }, WARMING, seconds).await.map(drop)
    }

    /// As fast as the answers come.
    pub async fn create(&mut self, cell: &str, server: &Server, connections: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let caller = self.caller.clone();
        self.closed(cell, server, connections, move || create(&caller)).await?;
        record::check_rows(&self.record, server.accepted).await
    }

    /// The same rows by pgbench.
    pub async fn create_in_sql(&mut self, cell: &str, clients: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let before = Cpu::now()?;
        let told = pgbench::run(&self.config, clients).await?;
        self.figures.note(cell, "busy", Cpu::now()?.busy_since(before));
        record::check_rows(&self.record, &record::ACCEPTED).await?;
        self.figures.note(cell, "per second", told.per_second);
        self.figures.note(cell, "mean", told.average_ms);
        Ok(())
    }

    /// Refused for one of its fields: token, signature and body are looked at, and no database on the way to the answer.
    pub async fn refuse(&mut self, cell: &str, server: &Server, connections: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let caller = self.caller.clone();
        let next =
            move || Ok((caller.create_nowhere(Uuid::now_v7(), PLAN)?, StatusCode::UNPROCESSABLE_ENTITY));
        self.closed(cell, server, connections, next).await?;
        // Written beside the answers, and only a sample of a flood.
        let noted = record::count(&self.record, "audit_logs").await? as f64;
        let seconds = (load::WARM_UP + self.config.window).as_secs_f64();
        self.figures.note(cell, "noted per second", noted / seconds);
        Ok(())
    }

    /// Commands that were accepted before, under their keys.
    pub async fn repeat(&mut self, cell: &str, server: &Server, connections: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let (caller, keys) = (self.caller.clone(), std::iter::repeat_with(Uuid::now_v7).take(KEYS));
        let keys: Vec<_> = keys.collect();
        load::each(server.port, keys.iter().map(|key| Ok((caller.create(*key, PLAN)?, StatusCode::CREATED))))
            .await?;
        let next = super::in_turns(keys, move |key| Ok((caller.create(*key, PLAN)?, StatusCode::CREATED)));
        let before = record::logged_bytes(&self.record).await?;
        let seen = self.closed(cell, server, connections, next).await?;
        let bytes = record::logged_bytes(&self.record).await? - before;
        self.figures.note(cell, "log bytes", bytes as f64 / seen.len() as f64);
        anyhow::ensure!(
            record::count(&self.record, "tenants").await? == KEYS as i64,
            "a repetition had an effect"
        );
        Ok(())
    }

    /// Asks as fast as the answers come, and notes how that went.
    pub(super) async fn closed<F>(
        &mut self,
        cell: &str,
        server: &Server,
        connections: usize,
        next: F,
    ) -> anyhow::Result<Latencies>
    where
        F: Fn() -> Asked + Clone + Send + Sync + 'static,
    {
        let (ask, window) = (Ask { port: server.port, next }, self.config.window);
        let (seen, used) =
            tokio::try_join!(load::closed(&ask, connections, window), Used::within(&server.process, window))?;
        self.note_served(cell, &seen, &used);
        Ok(seen)
    }
}
