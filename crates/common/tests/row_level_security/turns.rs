//! Many owners take turns on few connections, and some give up in the middle.

use std::{collections::HashMap, time::Duration};

use common::{
    database::{MIGRATOR, Statements, TenantScope, owners},
    id::TenantId,
};
use futures::{StreamExt, stream};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{sqlstate, tenant};

const TENANTS: usize = 100;
const READS: usize = 10_000;
const CONNECTIONS: u32 = 4;
/// More than there are connections: they wait for each other.
const AT_ONCE: usize = 16;
const DIVISION_BY_ZERO: &str = "22012";

/// How a read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Answered,
    /// With an error, the setting made.
    Failed,
    /// Nobody waited for it any longer: before it was sent, while it was under way, or while it was answered.
    GivenUp,
    /// It said nothing, right after somebody who did.
    Silent,
}

async fn read(owners: &Statements, number: usize, tenants: &[TenantId]) -> End {
    let mine = tenants[number * 37 % TENANTS];
    let seen = |statement: &'static str| {
        sqlx::query_scalar(statement).bind(TenantScope::of(&[mine])).fetch_all(owners)
    };
    let ids: Vec<TenantId> = match number % 10 {
        3 => {
            let divided = seen("select id from tenants where 1 / (length(name) - 4) > 0").await;
            assert_eq!(sqlstate(divided), DIVISION_BY_ZERO);
            return End::Failed;
        }
        4 | 7 => {
            let silent = sqlx::query_scalar("select id from tenants limit 1000").fetch_all(owners).await;
            let silent: Vec<TenantId> = silent.unwrap();
            assert!(silent.is_empty(), "a setting was left behind: {silent:?}");
            return End::Silent;
        }
        6 | 9 => {
            let patience = Duration::from_micros((number as u64 * 131) % 3_000);
            let read = seen("select id from tenants, pg_sleep(0.001)");
            match tokio::time::timeout(patience, read).await {
                Ok(ids) => ids.unwrap(),
                Err(_) => return End::GivenUp,
            }
        }
        _ => seen("select id from tenants").await.unwrap(),
    };
    assert_eq!(ids, [mine], "read {number}");
    End::Answered
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn of_many_owners_on_few_connections_none_sees_a_foreign_row(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let services = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(60))
        .connect_lazy_with(options);
    let mut tenants = Vec::with_capacity(TENANTS);
    for _ in 0..TENANTS {
        tenants.push(tenant(&services).await);
    }
    let owners = owners(&services);
    let mut ends: HashMap<End, usize> = HashMap::new();
    let mut reads =
        stream::iter(0..READS).map(|number| read(&owners, number, &tenants)).buffer_unordered(AT_ONCE);
    while let Some(end) = reads.next().await {
        *ends.entry(end).or_default() += 1;
    }
    drop(reads);
    assert_eq!((ends[&End::Failed], ends[&End::Silent]), (READS / 10, READS / 5));
    assert!(ends[&End::GivenUp] >= READS / 20 && ends[&End::Answered] >= READS / 2, "{ends:?}");

    // They are closed with the pool they belong to.
    services.close().await;
    let closed = async {
        while !matches!(sqlx::query("select 1").execute(&owners).await, Err(sqlx::Error::PoolClosed)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
}
