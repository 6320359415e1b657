//! What one member has becomes an n8n of their own, from database to database.

use common::error::{Classify as _, Kind};
use n8n::copies::{CopyError, Moved, Moves as _, Moving, NewOwner, PostgresMoves, Sharing, Thing};
use n8n::databases::{Name, TenantDatabases as _};
use n8n::members::{ActiveWorkflow, Member, Members as _, WorkflowId};
use serde_json::{Value, json};

use crate::contract::member;
use crate::copied::{fill, fresh, keys, others};
use crate::instance::Instance;
use crate::support::{ask, databases, postgres};

const NOWHERE: &str = "http://127.0.0.1:1";

/// What is theirs beside [`fill`]: a workflow that listens, in two versions, and two executions of it that wait.
async fn listens(instance: &Instance, one: &Member) {
    let p = &one.place.project;
    let nodes = json!([
        { "id": "n-1", "name": "It's", "webhookId": format!("{p}/u-1"), "parameters": { "path": format!("{p}/orders"), "note": format!("see {p}/orders") } },
        { "id": "n-2", "name": "By id", "webhookId": p.as_str(), "parameters": { "path": format!("{p}/users/:id") } },
        { "id": "n-3", "name": "Deaf", "parameters": { "path": format!("{p}/x") } },
    ]);
    let nodes = nodes.to_string().replace('\'', "''");
    let statements = format!(
        r#"INSERT INTO workflow_history ("versionId", "workflowId", authors, nodes, connections) VALUES ('old-{p}', 'w5-{p}', 'a', '{nodes}', '{{}}'), ('new-{p}', 'w5-{p}', 'a', '{nodes}', '{{}}');
           UPDATE workflow_entity SET nodes = '{nodes}' WHERE id = 'w5-{p}';
           INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt", "startedAt", "waitTill")
                VALUES (false, 'webhook', 'waiting', 'w5-{p}', now(), now(), '3000-01-01'), (false, 'webhook', 'waiting', 'w5-{p}', now(), now(), now() + interval '1 hour');
           INSERT INTO execution_data ("executionId", "workflowData", data) SELECT id, '{{}}', 'as far' FROM execution_entity WHERE "workflowId" = 'w5-{p}';
           INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt", "startedAt", "stoppedAt")
                VALUES (false, 'webhook', 'canceled', 'w5-{p}', now(), now(), now())"#
    );
    instance.sql(&statements).await;
}

fn moving(one: &Member) -> Moving {
    let p = &one.place.project;
    let active = |workflow: &str, version: &str| ActiveWorkflow {
        workflow: WorkflowId(format!("{workflow}-{p}")),
        version: format!("{version}-{p}"),
    };
    Moving {
        sharing: Sharing { place: one.place.clone(), keys: keys() },
        executions: true,
        owner: NewOwner {
            email: "Ada@Acme.example".into(),
            first_name: "Ada".into(),
            last_name: "Owner".into(),
        },
        active: vec![active("w1", "v"), active("w5", "old")],
        again: false,
    }
}

fn moves() -> PostgresMoves {
    PostgresMoves::new(databases())
}

async fn told(name: &Name, question: &str) -> String {
    ask(&postgres().database(&name.to_string()), question).await.unwrap().unwrap_or_default()
}

async fn statuses(instance: &Instance, one: &Member) -> String {
    let statuses = format!(
        "SELECT string_agg(status, ' ' ORDER BY id) FROM execution_entity WHERE \"workflowId\" = 'w5-{}'",
        one.place.project
    );
    instance.sql(&statuses).await.unwrap()
}

async fn remove(name: &Name) {
    databases().remove_database(name).await.unwrap();
    databases().remove_role(name).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_member_becomes_the_owner_of_all_they_had_and_nobody_else_notices() {
    let instance = Instance::new(NOWHERE).await;
    let [one, other] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    for one in [&one, &other] {
        instance.members.ensure(&instance.name, one).await.unwrap();
        fill(&instance, one).await;
        listens(&instance, one).await;
    }
    let project = &one.place.project;
    let before = others(&instance, &one).await;
    for _ in 0..2 {
        assert_eq!(instance.members.set_aside(&instance.name, project).await.unwrap().len(), 2);
    }
    assert_eq!(notes(&instance, &one).await, "2", "n8n forgets what nobody has written a note about");
    assert_eq!(statuses(&instance, &one).await, "canceled canceled canceled");
    assert_eq!(statuses(&instance, &other).await, "waiting waiting canceled");
    // A note names an execution and not whose it is, so those are counted and the other tables compared.
    assert_eq!(notes(&instance, &other).await, "0");
    let noted = others(&instance, &one).await;
    assert_eq!(without_notes(&noted), without_notes(&before));

    let name = fresh().await;
    let Moved { counts, unopened, .. } = moves().fill(&instance.name, &name, &moving(&one)).await.unwrap();
    assert_eq!(others(&instance, &one).await, noted);
    assert_eq!((counts.workflows, counts.active_workflows, counts.credentials), (45, 2, 2));
    assert_eq!((counts.executions, unopened), (29 + 3, 1));
    // What happened since is in a second copy, and nothing else of the first one.
    let later = format!(
        "DELETE FROM workflow_entity WHERE id = 'w7-{project}'; UPDATE workflow_entity SET name = 'later' WHERE id = 'w8-{project}'"
    );
    instance.sql(&later).await;
    let again = Moving { again: true, ..moving(&one) };
    let again = moves().fill(&instance.name, &name, &again).await.unwrap();
    assert_eq!((again.counts.workflows, again.counts.executions), (44, 29 + 3));
    assert_eq!(
        told(&name, &format!("SELECT name FROM workflow_entity WHERE id = 'w8-{project}'")).await,
        "later"
    );
    belongs_to_them(&name, &one).await;
    listens_without_the_prefix(&name, &one).await;

    // Whoever is in it already is not written over.
    let refused = moves().fill(&instance.name, &name, &moving(&other)).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotWhole(_)), "{refused}");
    goes_on(&instance, &one, &name).await;
    remove(&name).await;
    instance.end().await;
}

/// A digest of [`others`] for each table but the notes on executions.
fn without_notes(digests: &str) -> Vec<&str> {
    let all = digests.split(' ');
    all.filter(|one| !one.starts_with("execution_annotations{")).collect()
}

async fn notes(instance: &Instance, one: &Member) -> String {
    let notes = format!(
        "SELECT count(*)::text FROM execution_annotations a JOIN execution_entity e ON e.id = a.\"executionId\" WHERE e.\"workflowId\" = 'w5-{}'",
        one.place.project
    );
    instance.sql(&notes).await.unwrap()
}

/// One of two that wait goes on in its own n8n, and waits again; the other is where it was. So are a workflow, a credential, and what is new.
async fn goes_on(instance: &Instance, one: &Member, name: &Name) {
    let p = &one.place.project;
    let same = moves().changes(&instance.name, &one.place, name).await.unwrap();
    assert_eq!((same.things, same.still_waiting.len()), (0, 2), "{same:?}");
    let first = format!(
        "(SELECT min(id) FROM execution_entity WHERE status = 'waiting' AND \"workflowId\" = 'w5-{p}')"
    );
    let since = format!(
        "UPDATE execution_data SET data = 'further' WHERE \"executionId\" = {first};
         UPDATE workflow_entity SET \"versionId\" = gen_random_uuid(), \"activeVersionId\" = NULL, active = false WHERE id = 'w5-{p}';
         DELETE FROM credentials_entity WHERE id = 'c2-{p}'"
    );
    ask(&postgres().database(&name.to_string()), &since).await.unwrap();
    let changes = moves().changes(&instance.name, &one.place, name).await.unwrap();
    let ids = |things: &[Thing]| things.iter().map(|thing| thing.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        (ids(&changes.changed), ids(&changes.removed)),
        (vec![format!("w5-{p}")], vec![format!("c2-{p}")])
    );
    assert!(changes.switched_off.contains(&WorkflowId(format!("w5-{p}"))) && changes.made.is_empty());
    assert_eq!(changes.still_waiting.len(), 1, "{changes:?}");
    let members = &instance.members;
    assert_eq!(members.put_back(&instance.name, p, Some(&changes.still_waiting)).await.unwrap(), 1);
    assert_eq!(statuses(instance, one).await, "canceled waiting canceled");
    members.end_aside(&instance.name, p).await.unwrap();
    assert_eq!(members.put_back(&instance.name, p, None).await.unwrap(), 0, "it went on somewhere else");
    assert_eq!(notes(instance, one).await, "0");
}

async fn belongs_to_them(name: &Name, one: &Member) {
    let who = r#"SELECT string_agg(concat_ws('|', u.id, u.email, u."firstName", u."roleSlug", r.role, p.name), ' ')
                   FROM "user" u JOIN project_relation r ON r."userId" = u.id JOIN project p ON p.id = r."projectId""#;
    let expected = format!(
        "{}|ada@acme.example|Ada|global:owner|project:personalOwner|Ada Owner <ada@acme.example>",
        one.place.user.0
    );
    assert_eq!(told(name, who).await, expected);
    let login = databases().owner_login(name).await.unwrap();
    assert_eq!((login.email.as_str(), &login.password_hash), ("ada@acme.example", &one.password_hash));
    let set_up = "SELECT value FROM settings WHERE key = 'userManagement.isInstanceOwnerSetUp'";
    assert_eq!(told(name, set_up).await, "true");
    assert_eq!(told(name, "SELECT count(*)::text FROM rp9.execution").await, "0", "counted where it ran");
    let foreign = format!(
        "SELECT count(*)::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND r.rolname <> '{name}'"
    );
    assert_eq!(told(name, &foreign).await, "0", "all tables are the tenant's own, data tables too");
}

async fn listens_without_the_prefix(name: &Name, one: &Member) {
    let p = &one.place.project;
    for nodes in [
        format!("SELECT nodes::text FROM workflow_entity WHERE id = 'w5-{p}'"),
        format!("SELECT nodes::text FROM workflow_history WHERE \"versionId\" = 'old-{p}'"),
        format!("SELECT nodes::text FROM workflow_history WHERE \"versionId\" = 'new-{p}'"),
    ] {
        let nodes: Value = serde_json::from_str(&told(name, &nodes).await).unwrap();
        assert_eq!(nodes[0]["parameters"]["path"], "orders");
        assert_eq!(nodes[0]["parameters"]["note"], format!("see {p}/orders"), "what it says is not touched");
        assert_eq!(nodes[0]["webhookId"], "u-1");
        assert_eq!(nodes[1]["parameters"]["path"], "users/:id");
        assert_eq!(nodes[1]["webhookId"], format!("{p}-own"));
        assert_eq!(nodes[2]["parameters"]["path"], format!("{p}/x"));
    }
    let active = r#"SELECT string_agg(concat(id, '=', "activeVersionId"), ' ' ORDER BY id) FROM workflow_entity WHERE active"#;
    assert_eq!(told(name, active).await, format!("w1-{p}=v-{p} w5-{p}=old-{p}"));
    assert_eq!(told(name, "SELECT count(*)::text FROM webhook_entity").await, "0");
    let waits = format!(
        "SELECT string_agg(status, ' ' ORDER BY id) FROM execution_entity WHERE \"workflowId\" = 'w5-{p}'"
    );
    assert_eq!(told(name, &waits).await, "waiting waiting canceled");
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_cannot_be_moved_whole_is_not_moved_at_all() {
    let instance = Instance::new(NOWHERE).await;
    let [one, nobody] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    instance.members.ensure(&instance.name, &one).await.unwrap();
    fill(&instance, &one).await;
    listens(&instance, &one).await;
    let name = fresh().await;
    let refused = moves().fill(&instance.name, &name, &moving(&nobody)).await.unwrap_err();
    assert!(matches!(refused, CopyError::NoMember(_)) && refused.kind() == Kind::NotFound, "{refused}");
    let mut gone = moving(&one);
    gone.active.push(ActiveWorkflow { workflow: WorkflowId("gone".into()), version: "v".into() });
    let refused = moves().fill(&instance.name, &name, &gone).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotWhole(_)), "{refused}");
    assert_eq!(told(&name, "SELECT count(*)::text FROM \"user\"").await, "0", "nothing of it stays");
    let mut without = moving(&one);
    without.executions = false;
    let moved = moves().fill(&instance.name, &name, &without).await.unwrap();
    assert_eq!((moved.counts.workflows, moved.counts.executions), (45, 0));
    remove(&name).await;
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn where_no_database_is_nothing_is_moved() {
    let instance = Instance::new(NOWHERE).await;
    let one = member(&instance.secrets.jwt_secret);
    instance.members.ensure(&instance.name, &one).await.unwrap();
    let nowhere = Name::of(common::id::TenantId::generate());
    moves().fill(&instance.name, &nowhere, &moving(&one)).await.unwrap_err();
    let name = fresh().await;
    let refused = moves().fill(&nowhere, &name, &moving(&one)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    remove(&name).await;
    instance.end().await;
}
