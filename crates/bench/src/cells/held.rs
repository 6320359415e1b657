//! Calls that are held: how soon each is in the record.

use bytes::Bytes;
use common::id::TenantId;
use http::{Request, StatusCode};
use http_body_util::Full;
use testkit::services::EDGE_TOKEN;

use super::{Bench, in_turns, used::Used};
use crate::{
    load::{self, Ask, Asked},
    loads::{HELD_PER_SECOND, HELD_TENANTS},
    services,
};

/// What a webhook usually brings.
const BODY: usize = 1024;

/// Somebody of a plan that has calls held while one is suspended: callers are told so at once, and nothing is delivered meanwhile.
const TENANTS: &str = "
    with made as (
        insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
        select id, 'Acme', 'ada@acme.example', 't' || number, 'dedicated', 'suspended', 'pro', '2.41.1'
          from unnest($1::uuid[]) with ordinality as t (id, number)
        returning id, subdomain)
    insert into routes (host, tenant_id, targets, generation, stand_in)
    select subdomain || '.localhost', id, '[]', 1, 'suspended' from made";

impl Bench {
    /// Of a hundred tenants, on a gateway of its own.
    pub async fn hold(&mut self, cell: &str) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let ids: Vec<_> = (0..HELD_TENANTS).map(|_| TenantId::generate().uuid()).collect();
        sqlx::query(TENANTS).bind(ids).execute(&self.record).await?;
        let gateway = services::holding_gateway(&self.config).await?;
        let hosts = (1..=HELD_TENANTS).map(|number| format!("t{number}.localhost")).collect();
        let ask = Ask { port: gateway.port, next: in_turns(hosts, |host: &String| call(host)) };
        let window = self.config.window;
        let (seen, used) = tokio::try_join!(
            load::open(&ask, HELD_PER_SECOND, window),
            Used::within(&gateway.process, window)
        )?;
        self.note_served(cell, &seen, &used);
        gateway.process.stop().await
    }
}

/// As the edge's relay hands it over.
fn call(host: &str) -> Asked {
    let request = Request::post("/webhook/orders")
        .header("host", host)
        .header(edge::held::TOKEN_HEADER, format!("Bearer {EDGE_TOKEN}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(vec![b' '; BODY])))?;
    Ok((request, StatusCode::ACCEPTED))
}
