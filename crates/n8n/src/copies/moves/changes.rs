//! What somebody did in an n8n of their own since they were moved into it, by what they had before.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgConnection;

use crate::{
    databases::{DatabaseError, refused},
    members::{ExecutionId, Place, WorkflowId},
};

/// So many of each sort are named.
const NAMED: usize = 200;

/// What differs, by names that people know. The lists are cut short where they would be too long to read; the figures are not.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Changes {
    /// Things that were not there before.
    #[serde(default)]
    pub made: Vec<Thing>,
    /// Things that are other than before.
    #[serde(default)]
    pub changed: Vec<Thing>,
    /// Things that are gone.
    #[serde(default)]
    pub removed: Vec<Thing>,
    /// How many of these there are, named or not.
    #[serde(default)]
    pub things: u64,
    /// Executions that began there.
    #[serde(default)]
    pub executions: u64,
    /// Workflows that are not active, or not there: they were switched off, or never were on.
    #[serde(default)]
    pub switched_off: BTreeSet<WorkflowId>,
    /// Executions that waited before and wait still, as far as they had come then.
    #[serde(default)]
    pub still_waiting: BTreeSet<ExecutionId>,
}

/// A workflow, a credential or a data table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Thing {
    pub kind: String,
    pub id: String,
    pub name: String,
}

/// What tells one state of each thing from another: a workflow's version and name, when a credential was last changed, a data table's columns and rows.
const OWN: &str = r#"
    SELECT 'workflow' AS kind, id::text, name::text, concat_ws('|', "versionId", name, "isArchived", settings::text, "parentFolderId") AS mark FROM workflow_entity
    UNION ALL SELECT 'credential', id::text, name::text, concat_ws('|', name, extract(epoch from "updatedAt")) FROM credentials_entity
    UNION ALL SELECT 'data_table', id::text, name::text, concat_ws('|', name, extract(epoch from "updatedAt")) FROM data_table"#;

/// The same of one who shares it: `$1` is the project.
const SHARED: &str = r#"
    SELECT 'workflow' AS kind, w.id::text, w.name::text, concat_ws('|', w."versionId", w.name, w."isArchived", w.settings::text, w."parentFolderId") AS mark
      FROM workflow_entity w JOIN shared_workflow s ON s."workflowId" = w.id AND s.role = 'workflow:owner' WHERE s."projectId" = $1
    UNION ALL SELECT 'credential', c.id::text, c.name::text, concat_ws('|', c.name, extract(epoch from c."updatedAt"))
      FROM credentials_entity c JOIN shared_credentials s ON s."credentialsId" = c.id AND s.role = 'credential:owner' WHERE s."projectId" = $1
    UNION ALL SELECT 'data_table', id::text, name::text, concat_ws('|', name, extract(epoch from "updatedAt")) FROM data_table WHERE "projectId" = $1"#;

/// What waits, and how far each has come: one that went on and waits again is another.
const WAITING: &str = r#"
    SELECT e.id::integer, concat_ws('|', e."waitTill", md5(d.data)) FROM execution_entity e JOIN execution_data d ON d."executionId" = e.id
     WHERE e.status = 'waiting' AND e."deletedAt" IS NULL"#;

/// The same of what was set aside where it waited: `$1` is the project.
const ASIDE: &str = r#"
    SELECT e.id::integer, concat_ws('|', e."waitTill", md5(d.data)) FROM execution_entity e JOIN execution_data d ON d."executionId" = e.id
      JOIN shared_workflow s ON s."workflowId" = e."workflowId" AND s.role = 'workflow:owner'
     WHERE s."projectId" = $1 AND e.status = 'canceled' AND e."waitTill" IS NOT NULL AND e."stoppedAt" IS NULL"#;

type Row = (String, String, String, String);

/// What a thing is called, and what tells its states apart, by its sort and id.
type Things = BTreeMap<(String, String), (String, String)>;

fn things(rows: Vec<Row>) -> Things {
    rows.into_iter().map(|(kind, id, name, mark)| ((kind, id), (name, mark))).collect()
}

pub async fn changes(
    (shared, place): (&mut PgConnection, &Place),
    own: &mut PgConnection,
) -> Result<Changes, DatabaseError> {
    let failed = refused("compare what somebody had with what they have");
    let before = sqlx::query_as(SHARED).bind(place.project.as_str()).fetch_all(&mut *shared).await;
    let now = sqlx::query_as(OWN).fetch_all(&mut *own).await;
    let (before, now) = (things(before.map_err(&failed)?), things(now.map_err(&failed)?));
    let mut changes = compare(&before, &now);
    let off = sqlx::query_scalar(r#"SELECT id::text FROM workflow_entity WHERE "activeVersionId" IS NULL"#);
    let off: Vec<String> = off.fetch_all(&mut *own).await.map_err(&failed)?;
    changes.switched_off = off.into_iter().map(WorkflowId).collect();
    let gone = before.keys().filter(|key| key.0 == "workflow" && !now.contains_key(*key));
    changes.switched_off.extend(gone.map(|(_, id)| WorkflowId(id.clone())));
    let aside = sqlx::query_as(ASIDE).bind(place.project.as_str()).fetch_all(shared).await;
    let waiting = sqlx::query_as(WAITING).fetch_all(&mut *own).await;
    let [aside, waiting]: [Vec<(i32, String)>; 2] = [aside.map_err(&failed)?, waiting.map_err(&failed)?];
    let waiting: BTreeSet<_> = waiting.into_iter().collect();
    changes.still_waiting =
        aside.into_iter().filter(|one| waiting.contains(one)).map(|(id, _)| ExecutionId(id)).collect();
    // The meter counts from nothing since then.
    let began = sqlx::query_scalar("SELECT count(*) FROM rp9.execution WHERE started_at IS NOT NULL");
    let began: i64 = began.fetch_one(own).await.map_err(&failed)?;
    changes.executions = began.unsigned_abs();
    Ok(changes)
}

fn compare(before: &Things, now: &Things) -> Changes {
    let thing = |((kind, id), (name, _)): (&(String, String), &(String, String))| Thing {
        kind: kind.clone(),
        id: id.clone(),
        name: name.clone(),
    };
    let made: Vec<_> = now.iter().filter(|(key, _)| !before.contains_key(*key)).map(thing).collect();
    let removed: Vec<_> = before.iter().filter(|(key, _)| !now.contains_key(*key)).map(thing).collect();
    let differs = |(key, (_, mark)): &(&(String, String), &(String, String))| {
        before.get(*key).is_some_and(|(_, then)| then != mark)
    };
    let changed: Vec<_> = now.iter().filter(differs).map(thing).collect();
    let things = (made.len() + removed.len() + changed.len()) as u64;
    let named = |mut things: Vec<Thing>| {
        things.truncate(NAMED);
        things
    };
    Changes {
        made: named(made),
        changed: named(changed),
        removed: named(removed),
        things,
        ..Changes::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &[(&str, &str)]) -> Things {
        rows.iter()
            .map(|(id, mark)| {
                (("workflow".to_owned(), (*id).to_owned()), ((*id).to_owned(), (*mark).to_owned()))
            })
            .collect()
    }

    fn ids(things: &[Thing]) -> Vec<&str> {
        things.iter().map(|thing| thing.id.as_str()).collect()
    }

    #[test]
    fn what_was_made_changed_and_removed_is_told_and_what_is_the_same_is_not() {
        let changes =
            compare(&all(&[("a", "1"), ("b", "1"), ("c", "1")]), &all(&[("a", "1"), ("b", "2"), ("d", "1")]));
        assert_eq!((ids(&changes.made), ids(&changes.changed)), (vec!["d"], vec!["b"]));
        assert_eq!((ids(&changes.removed), changes.things), (vec!["c"], 3));
        assert_eq!(compare(&all(&[("a", "1")]), &all(&[("a", "1")])), Changes::default());
    }

    #[test]
    fn however_many_there_are_they_are_counted_and_the_first_are_named() {
        let many: Vec<_> = (0..NAMED + 7).map(|number| number.to_string()).collect();
        let many: Vec<_> = many.iter().map(|id| (id.as_str(), "1")).collect();
        let changes = compare(&Things::new(), &all(&many));
        assert_eq!((changes.made.len(), changes.things), (NAMED, (NAMED + 7) as u64));
    }
}
