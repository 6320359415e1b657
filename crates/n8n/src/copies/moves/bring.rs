//! Filling a tenant's part of a shared n8n from an n8n of its own.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Row as _, postgres::PgConnection};
use tokio::sync::Mutex;

use super::{
    Bringing, Brought, Onto, belongs,
    brought::{self, ACTIVE},
    nodes::{self, Holder},
    numbers, own,
    pour::{Pouring, pour},
    replace,
};
use crate::{
    copies::{
        CopyError, Stream,
        member::{
            self,
            write::{self, Writing},
        },
    },
    databases::{Beside, Counts, DatabaseError, Name, PostgresDatabases, ensure_meter, family, refused},
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

const EXECUTION_IDS: &str = r#"SELECT id FROM execution_entity WHERE "deletedAt" IS NULL"#;

/// Of these ids, how many are somebody else's. `$1` is the project, `$2` are workflows, `$3` credentials.
const TAKEN: &str = r#"
    SELECT (SELECT count(*) FROM workflow_entity w WHERE w.id = ANY ($2) AND NOT EXISTS (
               SELECT FROM shared_workflow s WHERE s."workflowId" = w.id AND s."projectId" = $1 AND s.role = 'workflow:owner'))
         + (SELECT count(*) FROM credentials_entity c WHERE c.id = ANY ($3) AND NOT EXISTS (
               SELECT FROM shared_credentials s WHERE s."credentialsId" = c.id AND s."projectId" = $1 AND s.role = 'credential:owner'))"#;

/// The same of the numbers of executions, which are `$2`.
const TAKEN_NUMBERS: &str = r#"
    SELECT count(*) FROM execution_entity e WHERE e.id = ANY ($2) AND NOT EXISTS (
        SELECT FROM shared_workflow s WHERE s."workflowId" = e."workflowId" AND s."projectId" = $1 AND s.role = 'workflow:owner')"#;

/// Workflows, credentials, data tables.
type Owned = (i64, i64, i64);

pub async fn bring(
    databases: &PostgresDatabases,
    (from, beside): (&Name, Option<Beside>),
    into: &Name,
    Bringing { place, keys, onto }: &Bringing,
) -> Result<Brought, CopyError> {
    let mut there = match beside {
        None => databases.open_patiently(from).await?,
        Some(which) => databases.open_filled(from, &from.beside(which)).await?,
    };
    let mut inside = databases.open_patiently(into).await?;
    family(&mut inside).await?;
    member::is_there(&mut inside, place).await?;
    member::hold(&mut there, place).await?;
    let owned: Owned =
        sqlx::query_as(OWNED).fetch_one(&mut there).await.map_err(refused("count what is there"))?;
    let active = active(&mut there).await?;
    let webhooks = own::webhooks(&mut there).await?.len() as u64;
    let unopened = own::unopened(&mut there, &keys.from).await?;
    let executions = onto.executions();
    let (tables, mut missing) = brought::lay(&mut there, &mut inside, executions).await?;
    missing.extend(brought::missing(&mut there, executions).await?);
    let numbered = if executions { ids::<i32>(&mut there, EXECUTION_IDS).await? } else { Vec::new() };
    let counts = Counts {
        workflows: owned.0.unsigned_abs(),
        active_workflows: active.len() as u64,
        credentials: owned.1.unsigned_abs(),
        executions: numbered.len() as u64,
    };
    // It happens as a whole: whatever is there was brought before.
    if *onto != Onto::Nothing || has(&mut inside, place).await? == (0, 0, 0) {
        // First, so that nobody draws one of them meanwhile.
        if let Some(most) = numbered.iter().max() {
            numbers::go_on_after(&mut inside, into, *most).await?;
        }
        is_nobodys(&mut there, &mut inside, (place, &numbered)).await?;
        let tables = tables.into_iter().map(Arc::new).collect();
        let writing = Writing { tables, keys: keys.clone(), active: None };
        ensure_meter(databases, into, &into.to_string()).await?;
        let holding = Arc::new(Mutex::new(there)).lock_owned().await;
        let script: Stream = write::stream(writing, holding);
        pour(&mut inside, script, &Part { of: into, place, owned, onto: *onto }).await?;
    }
    Ok(Brought { counts, active, webhooks, unopened, missing })
}

/// Into a member's part of this shared n8n's database.
struct Part<'a> {
    of: &'a Name,
    place: &'a Place,
    owned: Owned,
    onto: Onto,
}

#[async_trait]
impl Pouring for Part<'_> {
    fn role(&self) -> &Name {
        self.of
    }

    async fn begin(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        member::name(inside, self.place).await?;
        if self.onto != Onto::Nothing {
            replace::empty(inside, self.of).await?;
        }
        Ok(())
    }

    /// They are as n8n would have saved them there, all of them are there, and nothing of anybody else's is theirs.
    async fn settle(&self, inside: &mut PgConnection) -> Result<(), CopyError> {
        belongs::to_the_member(inside).await?;
        for holder in [Holder::WORKFLOWS_OF, Holder::VERSIONS_OF] {
            nodes::change(inside, &holder, &self.place.project, paths::adopt).await?;
        }
        let (found, owned) = (has(inside, self.place).await?, self.owned);
        if found != owned {
            return Err(CopyError::NotWhole(format!(
                "it has {} workflows, {} credentials and {} data tables of {}, {} and {}",
                found.0, found.1, found.2, owned.0, owned.1, owned.2
            )));
        }
        if self.onto != Onto::Nothing {
            replace::count_nothing(inside).await?;
        }
        Ok(())
    }
}

async fn has(connection: &mut PgConnection, place: &Place) -> Result<Owned, DatabaseError> {
    let has = sqlx::query_as(HAS).bind(place.project.as_str()).fetch_one(connection).await;
    has.map_err(refused("count what a member has"))
}

/// Ids stay what they are: where one is somebody else's there, nothing is written over.
async fn is_nobodys(
    own: &mut PgConnection,
    inside: &mut PgConnection,
    (place, numbers): (&Place, &[i32]),
) -> Result<(), CopyError> {
    let failed = refused("look for ids");
    let (project, workflows) = (place.project.as_str(), ids::<String>(&mut *own, WORKFLOW_IDS).await?);
    let credentials = ids::<String>(own, CREDENTIAL_IDS).await?;
    let taken = sqlx::query_scalar(TAKEN).bind(project).bind(workflows).bind(credentials);
    let taken: i64 = taken.fetch_one(&mut *inside).await.map_err(&failed)?;
    if taken > 0 {
        return Err(CopyError::NotWhole(format!("{taken} of its ids are somebody else's in the shared n8n")));
    }
    let taken = sqlx::query_scalar(TAKEN_NUMBERS).bind(project).bind(numbers).fetch_one(inside).await;
    match taken.map_err(&failed)? {
        0_i64 => Ok(()),
        taken => Err(CopyError::NotWhole(format!(
            "the numbers of {taken} of its executions are somebody else's in the shared n8n: without executions it can be brought"
        ))),
    }
}

async fn ids<T>(connection: &mut PgConnection, which: &'static str) -> Result<Vec<T>, DatabaseError>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(which).fetch_all(connection).await.map_err(refused("look for ids"))
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
