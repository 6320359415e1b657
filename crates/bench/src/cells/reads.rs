//! `GET /tenants/{id}` among ten thousand tenants; and four of them beside one new tenant, at moments that do not wait.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::id::TenantId;
use http::StatusCode;
use testkit::portal::Caller;

use super::{Bench, Used, commands::create, in_turns};
use crate::{
    load::{self, Ask},
    record,
    services::Server,
};

const TENANTS: i32 = 10_000;
/// Of so many requests one makes a tenant.
const MIX: usize = 5;

impl Bench {
    /// By somebody who may see all.
    pub async fn show(&mut self, cell: &str, server: &Server, connections: usize) -> anyhow::Result<()> {
        let tenants = self.filled(cell).await?;
        let caller = self.caller.clone();
        let next = in_turns(tenants, move |tenant| Ok((caller.show(*tenant)?, StatusCode::OK)));
        self.closed(cell, server, connections, next).await.map(drop)
    }

    /// By the owner of each.
    pub async fn show_own(&mut self, cell: &str, server: &Server, connections: usize) -> anyhow::Result<()> {
        let tenants = self.filled(cell).await?.into_iter();
        let owner =
            |(number, tenant)| anyhow::Ok((Caller::owner(&format!("owner-{number}"), tenant)?, tenant));
        let owners = tenants.enumerate().map(owner).collect::<Result<Vec<_>, _>>()?;
        let next = in_turns(owners, |(owner, tenant)| Ok((owner.show(*tenant)?, StatusCode::OK)));
        self.closed(cell, server, connections, next).await.map(drop)
    }

    /// Reads and new tenants, so many a second.
    pub async fn mix(&mut self, cell: &str, server: &Server, rate: u32) -> anyhow::Result<()> {
        let tenants = self.filled(cell).await?;
        let (caller, count) = (self.caller.clone(), Arc::new(AtomicUsize::new(0)));
        let show = in_turns(tenants, {
            let caller = caller.clone();
            move |tenant: &TenantId| Ok((caller.show(*tenant)?, StatusCode::OK))
        });
        let next = move || match count.fetch_add(1, Ordering::Relaxed) % MIX {
            0 => create(&caller),
            _ => show(),
        };
        let (ask, window) = (Ask { port: server.port, next }, self.config.window);
        let (seen, used) =
            tokio::try_join!(load::open(&ask, rate, window), Used::within(&server.process, window))?;
        self.note_served(cell, &seen, &used);
        Ok(())
    }

    async fn filled(&mut self, cell: &str) -> anyhow::Result<Vec<TenantId>> {
        self.prepare(cell).await?;
        record::fill(&self.record, TENANTS).await
    }
}
