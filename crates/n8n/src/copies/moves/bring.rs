//! Filling a tenant's part of a shared n8n from an n8n of its own.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Row as _, postgres::PgConnection};
use tokio::sync::Mutex;

use super::{
    Bringing, Brought,
    brought::{self, ACTIVE},
    nodes::{self, Holder},
    own,
    pour::{Pouring, pour},
};
use crate::{
    copies::{
        CopyError, Stream,
        member::{
            self,
            write::{self, Writing},
        },
    },
    databases::{Beside, Counts, DatabaseError, Name, PostgresDatabases, family, refused},
    members::{ActiveWorkflow, Place, WorkflowId, paths},
};

/// What the member has: workflows, credentials, data tables. `$1` is the project.
const HAS: &str = r#"
    SELECT (SELECT count(*) FROM shared_workflow WHERE "projectId" = $1 AND role = 'workflow:owner') AS workflows,
           (SELECT count(*) FROM shared_credentials WHERE "projectId" = $1 AND role = 'credential:owner') AS credentials,
           (SELECT count(*) FROM data_table WHERE "projectId" = $1) AS data_tables"#;

/// The same of an n8n of somebody's own.
const OWNED: &str = r#"
    SELECT (SELECT count(*) FROM shared_workflow WHERE role = 'workflow:owner') AS workflows,
           (SELECT count(*) FROM shared_credentials WHERE role = 'credential:owner') AS credentials,
           (SELECT count(*) FROM data_table) AS data_tables"#;

const WORKFLOW_IDS: &str = "SELECT id::text FROM workflow_entity";
const CREDENTIAL_IDS: &str = "SELECT id::text FROM credentials_entity";

/// Of these ids, how many are in use. `$1` are workflows, `$2` credentials.
const TAKEN: &str = "SELECT (SELECT count(*) FROM workflow_entity WHERE id = ANY ($1))
                          + (SELECT count(*) FROM credentials_entity WHERE id = ANY ($2))";

/// Workflows, credentials, data tables.
type Owned = (i64, i64, i64);

pub async fn bring(
    databases: &PostgresDatabases,
    (from, beside): (&Name, Option<Beside>),
    into: &Name,
    Bringing { place, keys }: &Bringing,
) -> Result<Brought, CopyError> {
    let mut there = match beside {
        None => databases.open_patiently(from).await?,
        Some(which) => databases.open_filled(&from.beside(which)).await?,
    };
    let mut inside = databases.open_patiently(into).await?;
    family(&mut inside).await?;
    member::is_there(&mut inside, place).await?;
    member::hold(&mut there, place).await?;
    let owned: Owned =
        sqlx::query_as(OWNED).fetch_one(&mut there).await.map_err(refused("count what is there"))?;
    let active = active(&mut there).await?;
    let webhooks = own::webhooks(&mut there).await?;
    let unopened = own::unopened(&mut there, &keys.from).await?;
    let (tables, mut missing) = brought::lay(&mut there, &mut inside).await?;
    missing.extend(brought::missing(&mut there).await?);
    let counts = Counts {
        workflows: owned.0.unsigned_abs(),
        active_workflows: active.len() as u64,
        credentials: owned.1.unsigned_abs(),
        executions: 0,
    };
    // It happens as a whole: whatever is there was brought before.
    if has(&mut inside, place).await? == (0, 0, 0) {
        is_nobodys(&mut there, &mut inside).await?;
        let tables = tables.into_iter().map(Arc::new).collect();
        let writing = Writing { tables, keys: keys.clone(), active: None };
        let holding = Arc::new(Mutex::new(there)).lock_owned().await;
        let script: Stream = write::stream(writing, holding);
        pour(&mut inside, script, &Part { of: into, place, owned }).await?;
    }
    Ok(Brought { counts, active, webhooks, unopened, missing })
}

/// Into a member's part of this shared n8n's database.
struct Part<'a> {
    of: &'a Name,
    place: &'a Place,
    owned: Owned,
}

#[async_trait]
impl Pouring for Part<'_> {
    fn role(&self) -> &Name {
        self.of
    }

    async fn begin(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        Ok(member::name(inside, self.place).await?)
    }

    /// They are as n8n would have saved them there, and all of them are there.
    async fn settle(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        for holder in [Holder::WORKFLOWS_OF, Holder::VERSIONS_OF] {
            nodes::change(inside, &holder, &self.place.project, paths::adopt).await?;
        }
        let (found, owned) = (has(inside, self.place).await?, self.owned);
        if found == owned {
            return Ok(());
        }
        Err(CopyError::NotWhole(format!(
            "it has {} workflows, {} credentials and {} data tables of {}, {} and {}",
            found.0, found.1, found.2, owned.0, owned.1, owned.2
        )))
    }
}

async fn has(connection: &mut PgConnection, place: &Place) -> Result<Owned, DatabaseError> {
    let has = sqlx::query_as(HAS).bind(place.project.as_str()).fetch_one(connection).await;
    has.map_err(refused("count what a member has"))
}

/// Ids stay what they are: where one is somebody else's there, nothing is written over.
async fn is_nobodys(own: &mut PgConnection, inside: &mut PgConnection) -> Result<(), CopyError> {
    let failed = refused("look for ids");
    let workflows: Vec<String> =
        sqlx::query_scalar(WORKFLOW_IDS).fetch_all(&mut *own).await.map_err(&failed)?;
    let credentials: Vec<String> =
        sqlx::query_scalar(CREDENTIAL_IDS).fetch_all(own).await.map_err(&failed)?;
    let taken = sqlx::query_scalar(TAKEN).bind(workflows).bind(credentials).fetch_one(inside).await;
    let taken: i64 = taken.map_err(&failed)?;
    if taken == 0 {
        return Ok(());
    }
    Err(CopyError::NotWhole(format!("{taken} of its ids are somebody else's in the shared n8n")))
}

/// What was active, in which version.
async fn active(own: &mut PgConnection) -> Result<Vec<ActiveWorkflow>, DatabaseError> {
    let failed = refused("look at what is active");
    let rows = sqlx::query(ACTIVE).fetch_all(own).await.map_err(&failed)?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(ActiveWorkflow { workflow: WorkflowId(row.try_get(0)?), version: row.try_get(1)? })
    };
    rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(failed)
}
