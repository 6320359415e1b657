//! An edge that follows the table of routes without delay, and says which change of a route it has.

use async_trait::async_trait;
use common::{
    id::TenantId,
    tenant::{Color, Purpose},
};
use edge::{Answerer, Edge, EdgeError, Host, Mark, Route, StandIn, Target};
use sqlx::{PgPool, types::Json};

/// Whatever the table says is in force.
pub struct TableEdge(pub PgPool);

type Row = (TenantId, Json<Vec<Target>>, i64, Option<String>);

#[async_trait]
impl Edge for TableEdge {
    async fn confirm(&self, host: &Host, expected: Mark) -> Result<(), EdgeError> {
        match self.mark(host).await? {
            Some(mark) if mark == expected => Ok(()),
            seen => Err(EdgeError::NotYet { seen: seen.map_or("no route".into(), |mark| mark.to_string()) }),
        }
    }

    async fn confirm_gone(&self, host: &Host) -> Result<(), EdgeError> {
        match self.mark(host).await? {
            None => Ok(()),
            Some(mark) => Err(EdgeError::NotYet { seen: mark.to_string() }),
        }
    }
}

impl TableEdge {
    /// One row: reading the whole table for every tenant is what no edge does either.
    async fn mark(&self, host: &Host) -> Result<Option<Mark>, EdgeError> {
        let route = "select tenant_id, targets, generation, stand_in from routes where host = $1";
        let found = sqlx::query_as(route).bind(host.as_str()).fetch_optional(&self.0).await;
        let found: Option<Row> = found.map_err(|error| EdgeError::Unavailable(error.into()))?;
        Ok(found.map(|(tenant, Json(targets), generation, word)| {
            let stand_in = word.as_deref().and_then(StandIn::from_word);
            let route = Route {
                host: host.clone(),
                tenant,
                purpose: Purpose::Customer,
                targets,
                workspace: None,
                formerly: None,
                stand_in,
                generation,
            };
            // One that leads nowhere is no answer that anybody expects.
            let nowhere = Mark { tenant, answerer: Answerer::Side(Color::Blue), generation: -1 };
            route.mark().unwrap_or(nowhere)
        }))
    }
}
