//! Requests, and the peer that does the same work without them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use common::id::TenantId;
use http::{Request, StatusCode};
use http_body_util::Full;
use testkit::{portal::Caller, process::Process};
use uuid::Uuid;

use super::{Bench, Used};
use crate::{
    load::{self, Ask},
    machine::Cpu,
    pgbench, record,
};

/// What every tenant of the bench asks for.
pub(super) const PLAN: &str = "pro";

impl Bench {
    /// `POST /tenants`, as fast as the answers come.
    pub async fn create(&mut self, cell: &str, gateway: &Process, connections: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let (caller, window) = (self.caller.clone(), self.config.window);
        let request = move || caller.create(Uuid::now_v7(), PLAN);
        let ask = Ask { port: self.config.port, request, answer: StatusCode::CREATED };
        let (seen, used) =
            tokio::try_join!(load::closed(&ask, connections, window), Used::within(gateway, window))?;
        record::check_rows(&self.record).await?;
        self.note_served(cell, &seen, &used);
        Ok(())
    }

    /// The same rows by pgbench.
    pub async fn create_in_sql(&mut self, cell: &str, clients: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let before = Cpu::now()?;
        let told = pgbench::run(&self.config, clients).await?;
        self.figures.note(cell, "busy", Cpu::now()?.busy_since(before));
        record::check_rows(&self.record).await?;
        self.figures.note(cell, "per second", told.per_second);
        self.figures.note(cell, "mean", told.average_ms);
        Ok(())
    }

    /// `GET /tenants/{id}` among ten thousand tenants.
    pub async fn show(&mut self, cell: &str, gateway: &Process, connections: usize) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let tenants = record::fill(&self.record, 10_000).await?;
        let request = one_after_another(self.caller.clone(), tenants);
        let (window, answer) = (self.config.window, StatusCode::OK);
        let ask = Ask { port: self.config.port, request: move || request(), answer };
        let (seen, used) =
            tokio::try_join!(load::closed(&ask, connections, window), Used::within(gateway, window))?;
        self.note_served(cell, &seen, &used);
        Ok(())
    }
}

/// Asks for all of them in an order that no cache foresees.
fn one_after_another(
    caller: Caller,
    tenants: Vec<TenantId>,
) -> Arc<impl Fn() -> anyhow::Result<Request<Full<Bytes>>>> {
    let next = AtomicUsize::new(0);
    Arc::new(move || {
        // A prime, so that every tenant has its turn.
        let number = next.fetch_add(7919, Ordering::Relaxed) % tenants.len().max(1);
        let tenant = tenants.get(number).copied();
        caller.show(tenant.ok_or_else(|| anyhow::anyhow!("there are no tenants"))?)
    })
}
