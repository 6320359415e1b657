//! What one of those has who share an n8n, and nothing of anybody else's: of one moment, on one connection, which bounds what it costs the others.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Row as _, postgres::PgConnection};
use tokio::sync::Mutex;

use super::{CopyError, Facts, Including, Moment, Omitted, Stream, export, facts};
use crate::{
    credentials::{Credential, resealed},
    databases::{Counts, DatabaseError, Name, PostgresDatabases, family, refused},
    members::Place,
};

pub(super) mod layout;
pub(super) mod left_out;
pub(super) mod tables;
pub(super) mod write;

use layout::Laid;
use write::Writing;

/// Where n8n has what it encrypts.
const CREDENTIALS: &str = "credentials_entity";
const ENCRYPTED: &str = "data";

/// So many credentials are named: a manifest is for people.
const NAMED: usize = 100;

/// Whose part of a shared n8n is copied. The key that opens everybody's there is never in anybody's copy.
#[derive(Debug, Clone)]
pub struct Sharing {
    pub place: Place,
    pub keys: Keys,
}

/// With what credentials are encrypted where they are, and where they are copied to.
#[derive(Debug, Clone)]
pub struct Keys {
    pub from: SecretString,
    pub to: SecretString,
}

/// One snapshot for all of it. Others keep their share: one core, an hour at most for a table, and no row is held back from being tidied up for longer
/// than a store that is away may take.
const HOLD: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = '1h'; SET LOCAL idle_in_transaction_session_timeout = '15min';
    SET LOCAL max_parallel_workers_per_gather = 0";

const WHO: &str = "SELECT set_config('rp9.project', $1, true), set_config('rp9.user', $2, true)";

const IS_THERE: &str = r#"SELECT EXISTS (SELECT FROM "user" u JOIN project_relation r ON r."userId" = u.id
    JOIN project p ON p.id = r."projectId" WHERE u.id = $2 AND p.id = $1)"#;

const OPENED: &str = concat!(
    "SELECT t.id::text, t.name::text, t.data FROM credentials_entity t WHERE t.id IN ",
    tables::credentials!(),
    " ORDER BY t.id"
);

/// As n8n exports them; the data of each apart, as it is encrypted here.
const EXPORTED: &str = concat!(
    "SELECT to_jsonb(t)::text FROM credentials_entity t WHERE t.id IN ",
    tables::credentials!(),
    " ORDER BY t.id"
);

pub async fn begin(
    databases: &PostgresDatabases,
    instance: &Name,
    Sharing { place, keys }: Sharing,
) -> Result<Box<dyn Moment>, CopyError> {
    let mut holding = databases.open_patiently(instance).await?;
    hold(&mut holding, &place).await?;
    is_there(&mut holding, &place).await?;
    let (tables, mut not_copied) = layout::lay(&mut holding).await?;
    not_copied.extend(left_out::told(&mut holding).await?);
    not_copied.extend(unopened(&mut holding, &keys).await?);
    let facts = all(&mut holding, &tables, not_copied).await?;
    let tables = tables.into_iter().map(Arc::new).collect();
    Ok(Box::new(Held { facts, tables, keys, holding: Arc::new(Mutex::new(holding)) }))
}

/// Holds the present moment of a database whose tables are known. What asks whose a row is means this member.
pub(super) async fn hold(connection: &mut PgConnection, place: &Place) -> Result<(), DatabaseError> {
    sqlx::raw_sql(HOLD).execute(&mut *connection).await.map_err(refused("hold a moment"))?;
    family(connection).await?;
    name(connection, place).await
}

/// In this transaction, what asks whose a row is means this member.
pub(super) async fn name(connection: &mut PgConnection, place: &Place) -> Result<(), DatabaseError> {
    let who = sqlx::query(WHO).bind(place.project.as_str()).bind(place.user.0.to_string());
    who.execute(connection).await.map(drop).map_err(refused("name a member"))
}

/// Fails where there is no such member.
pub(super) async fn is_there(connection: &mut PgConnection, place: &Place) -> Result<(), CopyError> {
    let there = sqlx::query_scalar(IS_THERE).bind(place.project.as_str()).bind(place.user.0);
    if there.fetch_one(connection).await.map_err(refused("look for a member"))? {
        return Ok(());
    }
    Err(CopyError::NoMember(place.project.clone()))
}

async fn all(
    connection: &mut PgConnection,
    tables: &[Laid],
    not_copied: Vec<Omitted>,
) -> Result<Facts, DatabaseError> {
    let about = facts::about(&mut *connection).await?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = sqlx::query_scalar(AssertSqlSafe(table.count()));
        let count: i64 = count.fetch_one(&mut *connection).await.map_err(refused("count rows"))?;
        rows.insert(table.name.clone(), count.unsigned_abs());
    }
    let active =
        sqlx::query(tables::ACTIVE).fetch_all(connection).await.map_err(refused("look at what is active"))?;
    let active: Vec<String> = active
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()
        .map_err(refused("look at what is active"))?;
    let of = |table: &str| rows.get(table).copied().unwrap_or_default();
    let counts = Counts {
        workflows: of("workflow_entity"),
        active_workflows: active.len() as u64,
        credentials: of(CREDENTIALS),
        executions: of("execution_entity"),
    };
    Ok(Facts { rows, counts, active, not_copied, ..about })
}

/// Credentials that the shared n8n itself could not open: each named, unless there are very many.
async fn unopened(connection: &mut PgConnection, keys: &Keys) -> Result<Vec<Omitted>, DatabaseError> {
    const WHY: &str = "it does not open with n8n's key, and is copied as it is";
    let looked = refused("look at credentials");
    let mut rows = sqlx::query_as::<_, (String, String, String)>(OPENED).fetch(connection);
    let (mut unopened, mut more) = (Vec::new(), 0_u64);
    while let Some((id, name, data)) = rows.try_next().await.map_err(&looked)? {
        let credential = Credential { id, name, data };
        if credential.opens_with(&keys.from) {
            continue;
        }
        if unopened.len() < NAMED {
            unopened.push(Omitted::new(format!("credential {}", credential.id), WHY));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        unopened.push(Omitted::new(format!("{more} more credentials"), WHY));
    }
    Ok(unopened)
}

/// The moment of one member. What is read of it is read one after the other.
struct Held {
    facts: Facts,
    tables: Vec<Arc<Laid>>,
    keys: Keys,
    holding: Arc<Mutex<PgConnection>>,
}

#[async_trait]
impl Moment for Held {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    async fn dump(&self, including: Including) -> Result<Stream, CopyError> {
        let left_out: Vec<_> = including.left_out().collect();
        let tables = self.tables.iter().filter(|table| !left_out.contains(&table.name.as_str()));
        let keys = self.keys.clone();
        let writing = Writing { tables: tables.cloned().collect(), keys, active: Some(tables::ACTIVE) };
        Ok(write::stream(writing, self.holding.clone().lock_owned().await))
    }

    async fn workflows(&self) -> Result<Stream, CopyError> {
        let holding = self.holding.clone().lock_owned().await;
        Ok(export::rows(holding, export::MEMBERS_WORKFLOWS, Ok).await?)
    }

    async fn credentials(&self) -> Result<Stream, CopyError> {
        let (holding, keys) = (self.holding.clone().lock_owned().await, self.keys.clone());
        Ok(export::rows(holding, EXPORTED, move |row| with_another_key(&row, &keys)).await?)
    }
}

fn with_another_key(row: &str, keys: &Keys) -> Result<String, serde_json::Error> {
    let mut row: serde_json::Value = serde_json::from_str(row)?;
    if let Some(data) = row.get_mut(ENCRYPTED)
        && let Some(anew) = data.as_str().and_then(|data| resealed(data, &keys.from, &keys.to))
    {
        *data = anew.into();
    }
    Ok(row.to_string())
}
