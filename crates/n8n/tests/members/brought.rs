//! What somebody has in an n8n of their own becomes one member's part of a shared one.

use common::error::{Classify as _, Kind};
use n8n::copies::{
    Bringing, Brought, Copies as _, CopyError, Filling, Including, Keys, Moves as _, Moving, NewOwner,
    PostgresMoves, Sharing,
};
use n8n::databases::{Name, TenantDatabases as _};
use n8n::members::{ActiveWorkflow, Member, Members as _, WorkflowId};
use serde_json::{Value, json};

use crate::contract::member;
use crate::copied::{copies, fill, fresh, keys, of};
use crate::instance::Instance;
use crate::support::{VERSION, ask, databases, postgres};

const NOWHERE: &str = "http://127.0.0.1:1";

fn moves() -> PostgresMoves {
    PostgresMoves::new(databases())
}

async fn told(name: &Name, question: &str) -> String {
    ask(&postgres().database(&name.to_string()), question).await.unwrap().unwrap_or_default()
}

fn bringing(one: &Member) -> Bringing {
    let Keys { from, to } = keys();
    Bringing { place: one.place.clone(), keys: Keys { from: to, to: from } }
}

/// An n8n of somebody's own, with what [`fill`] makes and somebody else in it.
async fn own() -> (Name, Member) {
    let instance = Instance::new(NOWHERE).await;
    let one = member(&instance.secrets.jwt_secret);
    let p = &one.place.project;
    instance.members.ensure(&instance.name, &one).await.unwrap();
    fill(&instance, &one).await;
    let active = ActiveWorkflow { workflow: WorkflowId(format!("w1-{p}")), version: format!("v-{p}") };
    let moving = Moving {
        sharing: Sharing { place: one.place.clone(), keys: keys() },
        executions: true,
        owner: NewOwner {
            email: "ada@acme.example".into(),
            first_name: "Ada".into(),
            last_name: "Owner".into(),
        },
        active: vec![active],
        again: false,
    };
    let name = fresh().await;
    moves().fill(&instance.name, &name, &moving).await.unwrap();
    instance.end().await;
    let nodes = json!([
        { "id": "n-1", "name": "It's", "type": "n8n-nodes-base.webhook", "webhookId": "u-1", "parameters": { "path": "orders" } },
        { "id": "n-2", "name": "By id", "type": "n8n-nodes-base.webhook", "webhookId": "u-2", "parameters": { "path": "users/:id" } },
        { "id": "n-3", "name": "Shell", "type": "n8n-nodes-base.executeCommand", "parameters": { "command": "ls" } },
    ]);
    let changes = format!(
        r#"UPDATE workflow_entity SET nodes = '{nodes}', settings = '{{"callerPolicy": "any", "callerIds": "x", "executionOrder": "v1"}}' WHERE id = 'w5-{p}';
           UPDATE workflow_history SET nodes = '{nodes}' WHERE "workflowId" = 'w1-{p}';
           INSERT INTO "user" (id, email, "firstName", "roleSlug") VALUES ('00000000-0000-4000-8000-00000000000b', 'bob@acme.example', 'Bob', 'global:member');
           INSERT INTO project (id, name, type) VALUES ('bobsproject00000', 'Bob', 'personal');
           INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId") VALUES ('bobs-{p}', 'Bob''s', false, '[]', '{{}}', gen_random_uuid());
           INSERT INTO shared_workflow ("workflowId", "projectId", role) VALUES ('bobs-{p}', 'bobsproject00000', 'workflow:owner'), ('w5-{p}', 'bobsproject00000', 'workflow:editor')"#,
        nodes = nodes.to_string().replace('\'', "''")
    );
    told(&name, &changes).await;
    (name, one)
}

/// A digest of everything that names this member.
async fn theirs(instance: &Instance, one: &Member) -> String {
    let mut digests = Vec::new();
    for table in [
        "workflow_entity",
        "workflow_history",
        "shared_workflow",
        "credentials_entity",
        "folder",
        "data_table",
        "variables",
        "user",
        "project",
    ] {
        let digest = format!(
            "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM public.\"{table}\" t WHERE t::text LIKE '%{}%' OR t::text LIKE '%{}%'",
            one.place.project, one.place.user.0
        );
        digests.push(instance.sql(&digest).await.unwrap());
    }
    digests.join(" ")
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_anybody_had_is_one_members_and_nobody_else_notices() {
    let instance = Instance::new(NOWHERE).await;
    let (name, former) = own().await;
    let [one, other] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    for one in [&one, &other] {
        instance.members.ensure(&instance.name, one).await.unwrap();
    }
    fill(&instance, &other).await;
    let before = theirs(&instance, &other).await;
    let brought = moves().bring((&name, None), &instance.name, &bringing(&one)).await.unwrap();
    assert_eq!(theirs(&instance, &other).await, before);
    let Brought { counts, active, unopened, missing, .. } = &brought;
    assert_eq!((counts.workflows, counts.active_workflows, counts.credentials, *unopened), (46, 1, 2, 1));
    assert_eq!(active[0].workflow.0, format!("w1-{}", former.place.project));
    let there = instance.members.counts(&instance.name, &one.place.project).await.unwrap();
    assert_eq!((there.workflows, there.active_workflows, there.credentials, there.executions), (46, 0, 2, 0));
    for what in ["29 executions", "1 people", "1 workflows with the node n8n-nodes-base.executeCommand"] {
        assert!(missing.iter().any(|one| one.what == what), "{what}: {missing:?}");
    }
    listens_below_its_prefix(&instance, &one, &former).await;
    opens_with_the_shared_key(&instance, &one).await;

    // Again it is the same, and what was done there since stays.
    let renamed =
        format!("UPDATE workflow_entity SET name = 'later' WHERE id = 'w5-{}'", former.place.project);
    instance.sql(&renamed).await;
    assert_eq!(moves().bring((&name, None), &instance.name, &bringing(&one)).await.unwrap(), brought);
    let now = format!("SELECT name FROM workflow_entity WHERE id = 'w5-{}'", former.place.project);
    assert_eq!(instance.sql(&now).await.unwrap(), "later");
    // Nobody else gets what is theirs.
    let refused = moves().bring((&name, None), &instance.name, &bringing(&other)).await;
    assert_eq!(refused.unwrap().counts, *counts, "who has something already is left alone");
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
    instance.end().await;
}

async fn listens_below_its_prefix(instance: &Instance, one: &Member, former: &Member) {
    let (p, f) = (&one.place.project, &former.place.project);
    for nodes in [
        format!("SELECT nodes::text FROM workflow_entity WHERE id = 'w5-{f}'"),
        format!("SELECT nodes::text FROM workflow_history WHERE \"workflowId\" = 'w1-{f}' LIMIT 1"),
    ] {
        let nodes: Value = serde_json::from_str(&instance.sql(&nodes).await.unwrap()).unwrap();
        assert_eq!(nodes[0]["parameters"]["path"], format!("{p}/orders"));
        assert_eq!(nodes[0]["webhookId"], format!("{p}/u-1"));
        assert_eq!(nodes[1]["parameters"]["path"], format!("{p}/users/:id"));
        assert_eq!(nodes[1]["webhookId"], p.as_str());
    }
    let settings = format!("SELECT settings::text FROM workflow_entity WHERE id = 'w5-{f}'");
    let settings: Value = serde_json::from_str(&instance.sql(&settings).await.unwrap()).unwrap();
    assert_eq!(settings, json!({ "callerPolicy": "workflowsFromSameOwner", "executionOrder": "v1" }));
    let shared = format!("SELECT count(*)::text FROM shared_workflow WHERE \"projectId\" = '{p}'");
    assert_eq!(instance.sql(&shared).await.unwrap(), "46", "an editor's share is nobody's here");
}

async fn opens_with_the_shared_key(instance: &Instance, one: &Member) {
    let all = databases().credentials(&instance.name).await.unwrap();
    let theirs = format!(
        "SELECT string_agg(\"credentialsId\", ' ') FROM shared_credentials WHERE \"projectId\" = '{}'",
        one.place.project
    );
    let theirs = instance.sql(&theirs).await.unwrap();
    let opened = all.iter().filter(|one| theirs.contains(&one.id) && one.opens_with(&keys().from)).count();
    assert_eq!(opened, 1, "one of two never opened");
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_cannot_be_brought_whole_is_not_brought_at_all() {
    let instance = Instance::new(NOWHERE).await;
    let (name, former) = own().await;
    let [one, nobody] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    instance.members.ensure(&instance.name, &one).await.unwrap();
    let refused = moves().bring((&name, None), &instance.name, &bringing(&nobody)).await.unwrap_err();
    assert!(matches!(refused, CopyError::NoMember(_)) && refused.kind() == Kind::NotFound, "{refused}");
    let nowhere = Name::of(common::id::TenantId::generate());
    let refused = moves().bring((&nowhere, None), &instance.name, &bringing(&one)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound, "{refused}");
    // Somebody has one of its ids there.
    let taken = format!(
        r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId") VALUES ('w7-{}', 'Taken', false, '[]', '{{}}', gen_random_uuid())"#,
        former.place.project
    );
    instance.sql(&taken).await;
    let refused = moves().bring((&name, None), &instance.name, &bringing(&one)).await.unwrap_err();
    assert!(
        matches!(refused, CopyError::NotWhole(_)) && refused.to_string().contains("1 of its ids"),
        "{refused}"
    );
    let there = instance.members.counts(&instance.name, &one.place.project).await.unwrap();
    assert_eq!((there.workflows, there.credentials), (0, 0));
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
    instance.end().await;
}

/// As a backup has it.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_members_script_is_loaded_as_an_n8n_of_their_own_or_not_at_all() {
    let instance = Instance::new(NOWHERE).await;
    let one = member(&instance.secrets.jwt_secret);
    let p = &one.place.project;
    instance.members.ensure(&instance.name, &one).await.unwrap();
    fill(&instance, &one).await;
    let nodes = json!([{ "id": "n-1", "name": "In", "webhookId": format!("{p}/u-1"), "parameters": { "path": format!("{p}/orders") } }]);
    instance.sql(&format!("UPDATE workflow_entity SET nodes = '{nodes}' WHERE id = 'w5-{p}'")).await;
    let sharing = Sharing { place: one.place.clone(), keys: keys() };
    let moment = copies().begin_member(&instance.name, sharing).await.unwrap();
    let all = Including { executions: true, files: true };
    let name = Name::of(common::id::TenantId::generate());
    databases().ensure_role(&name, &"password".into(), 9).await.unwrap();
    let asleep = Filling { executions: true, asleep: true, beside: false };
    let load = async |filling| {
        let script = moment.dump(all).await.unwrap();
        copies().load_member(&name, script, VERSION, filling).await.unwrap()
    };
    // Whatever was there before is gone, however far it had come.
    load(asleep).await;
    let facts = load(asleep).await;
    let counts = facts.counts;
    assert_eq!(
        (counts.workflows, counts.active_workflows, counts.credentials, counts.executions),
        (45, 0, 2, 29)
    );
    let nodes: Value = serde_json::from_str(
        &told(&name, &format!("SELECT nodes::text FROM workflow_entity WHERE id = 'w5-{p}'")).await,
    )
    .unwrap();
    assert_eq!((&nodes[0]["parameters"]["path"], &nodes[0]["webhookId"]), (&json!("orders"), &json!("u-1")));
    let login = databases().owner_login(&name).await.unwrap();
    assert_eq!(login.password_hash, one.password_hash, "they sign in as they do there");
    assert_eq!(load(Filling { executions: false, ..asleep }).await.counts.executions, 0);
    let awake = load(Filling { asleep: false, ..asleep }).await;
    assert_eq!(awake.active, [format!("w1-{p}")]);

    let other = copies().load_member(&name, of("BEGIN;\nCOMMIT;\n"), VERSION, asleep).await.unwrap_err();
    assert!(matches!(other, CopyError::NotWhole(_)), "{other}");
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
    instance.end().await;
}
