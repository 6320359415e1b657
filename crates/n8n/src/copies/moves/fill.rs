//! Filling a tenant's own database from its part of a shared one.

use async_trait::async_trait;
use sqlx::postgres::PgConnection;

use super::{
    Moved, Moving, own,
    pour::{Pouring, pour},
};
use crate::{
    copies::{CopyError, Facts, Including, facts, member},
    databases::{Name, PostgresDatabases, family, run},
};

/// Tables that n8n fills anew once something is active, and of which the platform's own rows do not come along.
pub const MADE_ANEW: [&str; 2] = ["webhook_entity", "execution_annotations"];

/// Without it the server has no idea of what it has just been given.
const MEASURE: &str = "ANALYZE";

pub async fn fill(
    databases: &PostgresDatabases,
    from: &Name,
    to: &Name,
    moving: &Moving,
) -> Result<Moved, CopyError> {
    let mut inside = databases.open_filled(to, &to.to_string()).await?;
    family(&mut inside).await?;
    if !moving.again {
        own::is_empty(&mut inside).await?;
    }
    let moment = member::begin(databases, from, moving.sharing.clone()).await?;
    let including = Including { executions: moving.executions, files: moving.executions };
    pour(&mut inside, moment.dump(including).await?, &Own { of: to, moving }).await?;
    run(&mut inside, "measure a copy", MEASURE).await?;
    let now = facts::all(&mut inside).await?;
    is_whole(moment.facts(), &now, including)?;
    let unopened = own::unopened(&mut inside, &moving.sharing.keys.to).await?;
    Ok(Moved { counts: now.counts, unopened, rows: now.rows.values().sum() })
}

/// Into a database of somebody's own.
struct Own<'a> {
    of: &'a Name,
    moving: &'a Moving,
}

#[async_trait]
impl Pouring for Own<'_> {
    fn role(&self) -> &Name {
        self.of
    }

    async fn begin(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        if self.moving.again {
            own::empty(inside).await?;
        }
        Ok(())
    }

    async fn settle(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        own::settle(inside, self.moving).await
    }
}

/// Every row of every table.
pub fn is_whole(then: &Facts, now: &Facts, including: Including) -> Result<(), CopyError> {
    let left_out: Vec<_> = including.left_out().chain(MADE_ANEW).collect();
    for (table, rows) in then.rows.iter().filter(|(table, _)| !left_out.contains(&table.as_str())) {
        let found = now.rows.get(table).copied().unwrap_or_default();
        if found != *rows {
            return Err(CopyError::NotWhole(format!(
                "it has {found} rows in {table}, and there were {rows}"
            )));
        }
    }
    Ok(())
}
