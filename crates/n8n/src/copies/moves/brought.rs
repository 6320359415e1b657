//! Which rows of an n8n of somebody's own go into their part of a shared one, and what does not.

mod tables;

use sqlx::{AssertSqlSafe, postgres::PgConnection};

use tables::DATA_TABLES;

pub use tables::{ACTIVE, EXECUTIONS, TABLES};

use crate::{
    copies::{
        Omitted,
        member::{
            layout::{self, Laid},
            left_out::{EVERYBODYS, LETTING_IN, MADE_ANEW},
            tables::{DATA_TABLE, Table},
        },
    },
    databases::{DatabaseError, identifier, refused},
    launch::EXCLUDED_NODES,
};

/// What says who there is: a part has one person and one project, made before.
const PEOPLE: [&str; 4] = ["project", "project_relation", "user", "webhook_entity"];

/// What hangs on something else that is told of.
const HANGS: [&str; 8] = [
    "annotation_tag_entity",
    "binary_data",
    "execution_annotation_tags",
    "execution_annotations",
    "execution_data",
    "execution_metadata",
    "folder_tag",
    "workflows_tags",
];

/// What a table is called for people, and why it stays behind.
const WHY: [(&str, &str, &str); 2] = [
    ("execution_entity", "executions", "a shared n8n numbers executions anew, so they stay where they are"),
    ("tag_entity", "tags", "tags are everybody's in a shared n8n, so there are none"),
];

/// Tables that are written, with those of their columns that both n8ns have; and which data tables cannot be.
pub async fn lay(
    own: &mut PgConnection,
    inside: &mut PgConnection,
    executions: bool,
) -> Result<(Vec<Laid>, Vec<Omitted>), DatabaseError> {
    let tables: Vec<_> = TABLES.iter().chain(EXECUTIONS.iter().filter(|_| executions)).collect();
    let names: Vec<_> = tables.iter().map(|table| table.name).collect();
    let (there, here) = (layout::columns(&mut *own, &names).await?, layout::columns(inside, &names).await?);
    let mut laid = Vec::new();
    for table in tables {
        // What an earlier release does not have has nothing in it, and what one does not know here is told of as any other table.
        let (Some(there), Some(here)) = (there.get(table.name), here.get(table.name)) else { continue };
        let known = |name: &str| here.iter().any(|column| column.name == name);
        let columns: Vec<_> = there.iter().filter(|column| known(&column.name)).cloned().collect();
        laid.push(Laid::of(table, &columns));
    }
    let (rows, omitted) = layout::data_tables(own, DATA_TABLES).await?;
    laid.extend(rows);
    Ok((laid, omitted))
}

/// What is in there and does not come along, or will not work here.
pub async fn missing(own: &mut PgConnection, executions: bool) -> Result<Vec<Omitted>, DatabaseError> {
    let mut missing = Vec::new();
    for table in others(own, executions).await? {
        let count = format!("SELECT count(*) FROM public.{}", identifier(&table));
        let rows = count_of(own, AssertSqlSafe(count)).await?;
        if rows > 0 {
            let told = WHY.iter().find(|(name, ..)| *name == table);
            let (what, why) = told
                .map_or((table.as_str(), "this release does not bring them along"), |(_, what, why)| {
                    (what, why)
                });
            missing.push(Omitted::new(format!("{rows} {what}"), why));
        }
    }
    let waiting = count_of(
        own,
        "SELECT count(*) FROM execution_entity WHERE status = 'waiting' AND \"deletedAt\" IS NULL",
    )
    .await?;
    if waiting > 0 && !executions {
        missing.push(Omitted::new(
            format!("{waiting} executions that wait"),
            "nothing goes on with them until they are back in an n8n of their own",
        ));
    }
    let people = count_of(own, "SELECT count(*) FROM \"user\"").await?;
    if people > 1 {
        missing.push(Omitted::new(
            format!("{} people", people - 1),
            "a part of a shared n8n has one; what they had is that one's",
        ));
    }
    let keys = count_of(own, "SELECT count(*) FROM user_api_keys").await?;
    if keys > 0 {
        missing.push(Omitted::new(
            format!("{keys} API keys"),
            "another n8n signs them: they have to be made anew",
        ));
    }
    missing.extend(excluded(own).await?);
    Ok(missing)
}

async fn count_of(own: &mut PgConnection, question: impl sqlx::SqlSafeStr) -> Result<u64, DatabaseError> {
    let count: i64 =
        sqlx::query_scalar(question).fetch_one(own).await.map_err(refused("count what is there"))?;
    Ok(count.unsigned_abs())
}

/// Tables of n8n's that are neither brought along, nor everybody's, nor made anew.
async fn others(own: &mut PgConnection, executions: bool) -> Result<Vec<String>, DatabaseError> {
    let tables = sqlx::query_scalar(
        "SELECT relname::text FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname",
    );
    let mut tables: Vec<String> = tables.fetch_all(own).await.map_err(refused("read the schema"))?;
    let reasons = [EVERYBODYS, LETTING_IN, MADE_ANEW, &PEOPLE, &HANGS];
    tables.retain(|name| {
        let name = name.as_str();
        let has_a_reason = reasons.iter().any(|tables| tables.contains(&name));
        let is_among = |tables: &[Table]| tables.iter().any(|table| table.name == name);
        let comes_along = is_among(TABLES) || (executions && is_among(EXECUTIONS));
        !has_a_reason && !comes_along && !name.starts_with(DATA_TABLE)
    });
    Ok(tables)
}

/// Nodes that a shared n8n does not load: a workflow with one cannot become active.
async fn excluded(own: &mut PgConnection) -> Result<Vec<Omitted>, DatabaseError> {
    let used = sqlx::query_as(
        r#"SELECT node ->> 'type', count(DISTINCT w.id) FROM workflow_entity w
             CROSS JOIN LATERAL json_array_elements(CASE WHEN json_typeof(w.nodes) = 'array' THEN w.nodes ELSE '[]'::json END) AS node
            WHERE node ->> 'type' = ANY ($1) GROUP BY 1 ORDER BY 1"#,
    );
    let used: Vec<(String, i64)> =
        used.bind(EXCLUDED_NODES).fetch_all(own).await.map_err(refused("look for nodes"))?;
    let told = |(node, workflows): (String, i64)| {
        Omitted::new(format!("{workflows} workflows with the node {node}"), "a shared n8n does not run it")
    };
    Ok(used.into_iter().map(told).collect())
}
