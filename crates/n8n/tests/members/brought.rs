//! What somebody has in an n8n of their own becomes one member's part of a shared one.

use common::error::{Classify as _, Kind};
use n8n::copies::{
    Bringing, Brought, Copies as _, CopyError, Filling, Including, Keys, Moves as _, Moving, NewOwner, Onto,
    PostgresMoves, Sharing,
};
use n8n::databases::{Beside, Name, TenantDatabases as _};
use n8n::members::{ActiveWorkflow, Member, Members as _, WorkflowId};
use serde_json::{Value, json};

use crate::contract::member;
use crate::copied::{copies, fill, fresh, keys, of, others};
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
    Bringing { place: one.place.clone(), keys: Keys { from: to, to: from }, onto: Onto::Nothing }
}

/// What they have goes before.
fn replacing(one: &Member, executions: bool) -> Bringing {
    Bringing { onto: Onto::WhatTheyHave { executions }, ..bringing(one) }
}

/// An n8n of somebody's own, with what [`fill`] makes and somebody else in it.
pub async fn own() -> (Name, Member) {
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

/// A member with what [`fill`] makes, of which nothing is active, two executions that wait and one that was counted; and a role that owns nothing yet.
async fn kept(instance: &Instance) -> (Name, Member) {
    let one = member(&instance.secrets.jwt_secret);
    let p = &one.place.project;
    instance.members.ensure(&instance.name, &one).await.unwrap();
    fill(instance, &one).await;
    let rests = format!(
        r#"UPDATE workflow_entity SET active = false, "activeVersionId" = NULL WHERE id = 'w1-{p}'; DELETE FROM webhook_entity WHERE "workflowId" = 'w1-{p}';
           INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt", "startedAt", "waitTill")
                VALUES (false, 'webhook', 'waiting', 'w1-{p}', now(), now(), '3000-01-01'), (false, 'webhook', 'waiting', 'w2-{p}', now(), now(), now() + interval '1 hour')"#
    );
    instance.sql(&rests).await;
    let name = Name::of(common::id::TenantId::generate());
    databases().ensure_role(&name, &"password".into(), 9).await.unwrap();
    (name, one)
}

/// All that a restore puts back, row by row; what is encrypted is so anew.
async fn has(instance: &Instance, one: &Member) -> Vec<String> {
    let p = &one.place.project;
    let executions = format!(
        r#"(SELECT e.id FROM execution_entity e WHERE e."workflowId" LIKE '%-{p}' AND e."deletedAt" IS NULL)"#
    );
    let mut rows = Vec::new();
    for (table, which, columns) in [
        ("workflow_entity", format!("t.id LIKE '%-{p}'"), "t::text"),
        ("workflow_history", format!(r#"t."workflowId" LIKE '%-{p}'"#), "t::text"),
        ("shared_workflow", format!(r#"t."projectId" = '{p}'"#), "t::text"),
        ("folder", format!(r#"t."projectId" = '{p}'"#), "t::text"),
        ("variables", format!(r#"t."projectId" = '{p}'"#), "t::text"),
        ("data_table", format!(r#"t."projectId" = '{p}'"#), "t::text"),
        ("data_table_column", format!(r#"t."dataTableId" = 'dt{p}'"#), "t::text"),
        (&format!("data_table_user_dt{p}"), "true".to_owned(), "t::text"),
        ("workflow_statistics", format!(r#"t."workflowId" LIKE '%-{p}'"#), "t.name || t.count"),
        ("credentials_entity", format!("t.id LIKE '%-{p}'"), "t.id || t.name || t.type"),
        ("execution_entity", format!("t.id IN {executions}"), "t::text"),
        ("execution_data", format!(r#"t."executionId" IN {executions}"#), "t::text"),
        ("execution_metadata", format!(r#"t."executionId" IN {executions}"#), "t.key || t.value"),
        (
            "execution_annotations",
            format!(r#"t."executionId" IN {executions} AND t.note NOT LIKE 'rp9%'"#),
            "t.note",
        ),
        ("binary_data", format!(r#"t."sourceId" IN (SELECT x.id::text FROM {executions} x)"#), "t::text"),
    ] {
        let digest = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg({columns}, ' ' ORDER BY {columns})), '') FROM public.\"{table}\" t WHERE {which}"
        );
        rows.push(format!("{table}: {}", instance.sql(&digest).await.unwrap()));
    }
    rows
}

/// Rows that say whose they are by a number alone: those of the other one are compared by [`has`].
const NAMELESS: [&str; 3] = ["execution_annotations{", "execution_data{", "execution_metadata{"];

async fn counted(instance: &Instance) -> String {
    instance.sql("SELECT count(*)::text FROM rp9.execution").await.unwrap()
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_one_has_is_replaced_and_put_back_and_nobody_else_notices() {
    let instance = Instance::new(NOWHERE).await;
    let ((name, one), (others_name, other)) = (kept(&instance).await, kept(&instance).await);
    let (p, before) = (&one.place.project, has(&instance, &one).await);
    let sharing = Sharing { place: one.place.clone(), keys: keys() };
    // What waits is set aside first, as it is before anything is kept.
    assert_eq!(instance.members.set_aside(&instance.name, p).await.unwrap().len(), 2);
    for _ in 0..2 {
        let counts = moves().keep(&instance.name, (&name, VERSION), &sharing).await.unwrap();
        assert_eq!((counts.workflows, counts.active_workflows, counts.executions), (45, 0, 31));
    }
    let changes = format!(
        r#"DELETE FROM workflow_entity WHERE id = 'w7-{p}'; UPDATE workflow_entity SET name = 'later' WHERE id = 'w8-{p}';
           DELETE FROM credentials_entity WHERE id = 'c1-{p}'; INSERT INTO "data_table_user_dt{p}" ("Größe") VALUES ('later');
           INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId") VALUES ('new-{p}', 'New', false, '[]', '{{}}', gen_random_uuid());
           INSERT INTO shared_workflow ("workflowId", "projectId", role) VALUES ('new-{p}', '{p}', 'workflow:owner');
           INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt", "startedAt", "stoppedAt") VALUES (true, 'webhook', 'success', 'new-{p}', now(), now(), now())"#
    );
    instance.sql(&changes).await;
    let (strangers, theirs) = (others(&instance, &one).await, has(&instance, &other).await);

    let mut then = None;
    for _ in 0..2 {
        let brought = moves()
            .bring((&name, Some(Beside::Former)), &instance.name, &replacing(&one, true))
            .await
            .unwrap();
        assert_eq!(
            (brought.counts.workflows, brought.counts.credentials, brought.counts.executions),
            (45, 2, 31)
        );
        assert!(brought.missing.iter().all(|one| !one.what.contains("executions")), "{:?}", brought.missing);
        assert_eq!(has(&instance, &one).await, before);
        let counted = counted(&instance).await;
        assert_eq!(*then.get_or_insert_with(|| counted.clone()), counted, "nothing is counted again");
    }
    opens_with_the_shared_key(&instance, &one).await;
    let now = others(&instance, &one).await;
    let changed: Vec<_> = strangers.split(' ').filter(|digest| !now.contains(digest)).collect();
    assert!(changed.iter().all(|digest| NAMELESS.iter().any(|name| digest.starts_with(name))), "{changed:?}");
    assert_eq!(has(&instance, &other).await, theirs);
    let drawn = r#"INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt") VALUES (true, 'webhook', 'success', 'w1-{p}', now()) RETURNING id::text"#;
    instance.sql(&drawn.replace("{p}", p.as_str())).await.unwrap();

    // Without executions there are none.
    let brought =
        moves().bring((&name, Some(Beside::Former)), &instance.name, &replacing(&one, false)).await.unwrap();
    assert_eq!((brought.counts.workflows, brought.counts.executions), (45, 0));
    let there = instance.members.counts(&instance.name, p).await.unwrap();
    assert_eq!((there.workflows, there.credentials, there.executions), (45, 2, 0));
    for name in [name, others_name] {
        databases().remove_database(&name).await.unwrap();
        databases().remove_beside(&name).await.unwrap();
        databases().remove_role(&name).await.unwrap();
    }
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn nobodys_executions_are_written_over_and_then_nothing_is_replaced() {
    let instance = Instance::new(NOWHERE).await;
    let ((name, one), (others_name, other)) = (kept(&instance).await, kept(&instance).await);
    let sharing = Sharing { place: one.place.clone(), keys: keys() };
    moves().keep(&instance.name, (&name, VERSION), &sharing).await.unwrap();
    let before = has(&instance, &one).await;
    let (p, o) = (&one.place.project, &other.place.project);
    let gone = format!(
        r#"DELETE FROM execution_entity WHERE id = (SELECT max(id) FROM execution_entity WHERE "workflowId" = 'w1-{p}') RETURNING id::text"#
    );
    let id = instance.sql(&gone).await.unwrap();
    let taken = format!(
        r#"INSERT INTO execution_entity (id, finished, mode, status, "workflowId", "createdAt") VALUES ({id}, true, 'webhook', 'success', 'w1-{o}', now())"#
    );
    instance.sql(&taken).await;
    let without = has(&instance, &one).await;
    assert_ne!(without, before);

    let refused = moves()
        .bring((&name, Some(Beside::Former)), &instance.name, &replacing(&one, true))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("the numbers of 1 of its executions"), "{refused}");
    assert_eq!((refused.kind(), has(&instance, &one).await), (Kind::Conflict, without));
    moves().bring((&name, Some(Beside::Former)), &instance.name, &replacing(&one, false)).await.unwrap();
    for name in [name, others_name] {
        databases().remove_database(&name).await.unwrap();
        databases().remove_beside(&name).await.unwrap();
        databases().remove_role(&name).await.unwrap();
    }
    instance.end().await;
}

/// Whoever has a database of their own may write anything into it. Nothing of that makes a neighbour's thing theirs, or leaves nobody numbers to draw.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_names_somebody_elses_things_does_not_come_along() {
    let ((name, _), instance) = (own().await, Instance::new(NOWHERE).await);
    let [one, other] = [(); 2].map(|()| member(&instance.secrets.jwt_secret));
    for one in [&one, &other] {
        instance.members.ensure(&instance.name, one).await.unwrap();
    }
    fill(&instance, &other).await;
    let (o, before) = (&other.place.project, others(&instance, &one).await);
    let project = told(&name, "SELECT id FROM project WHERE type = 'personal' LIMIT 1").await;
    let no_rules = "DO $$ DECLARE tie record; BEGIN
        FOR tie IN SELECT conname, conrelid::regclass AS name FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', tie.name, tie.conname);
        END LOOP; END $$";
    told(&name, no_rules).await;
    for (hostile, innocent) in [
        (
            format!(
                r#"INSERT INTO shared_workflow ("workflowId", "projectId", role) VALUES ('w1-{o}', '{project}', 'workflow:owner')"#
            ),
            format!(r#"DELETE FROM shared_workflow WHERE "workflowId" = 'w1-{o}'"#),
        ),
        (
            format!(
                r#"INSERT INTO shared_credentials ("credentialsId", "projectId", role) VALUES ('c1-{o}', '{project}', 'credential:owner')"#
            ),
            format!(r#"DELETE FROM shared_credentials WHERE "credentialsId" = 'c1-{o}'"#),
        ),
        (
            format!(
                r#"INSERT INTO data_table_column (id, name, type, index, "dataTableId") VALUES ('theirs', 'x', 'string', 7, 'dt{o}')"#
            ),
            "DELETE FROM data_table_column WHERE id = 'theirs'".to_owned(),
        ),
        (
            format!(r#"UPDATE folder SET "parentFolderId" = 'f1-{o}'"#),
            r#"UPDATE folder SET "parentFolderId" = NULL"#.to_owned(),
        ),
        (
            format!(r#"UPDATE workflow_entity SET "parentFolderId" = 'f1-{o}'"#),
            r#"UPDATE workflow_entity SET "parentFolderId" = NULL"#.to_owned(),
        ),
    ] {
        told(&name, &hostile).await;
        let refused = moves().bring((&name, None), &instance.name, &bringing(&one)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Conflict, "{hostile}: {refused}");
        assert!(refused.to_string().contains("belong to what is somebody else's"), "{hostile}: {refused}");
        assert_eq!(others(&instance, &one).await, before, "{hostile}");
        told(&name, &innocent).await;
    }
    moves().bring((&name, None), &instance.name, &bringing(&one)).await.unwrap();
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn nobodys_number_is_so_high_that_none_are_left_to_draw() {
    let instance = Instance::new(NOWHERE).await;
    let (name, one) = kept(&instance).await;
    let p = &one.place.project;
    let next = async || -> i64 {
        let drawn = format!(
            r#"INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt") VALUES (true, 'webhook', 'success', 'w1-{p}', now()) RETURNING id::text"#
        );
        instance.sql(&drawn).await.unwrap().parse().unwrap()
    };
    moves().number_after(&instance.name, 1_000_000).await.unwrap();
    assert_eq!(next().await, 1_000_001);
    moves().number_after(&instance.name, 5).await.unwrap();
    assert!((1_000_002..1_000_010).contains(&next().await), "never back");

    let highest = format!(
        r#"UPDATE execution_entity SET id = 2147483647 WHERE id = (SELECT max(id) FROM execution_entity WHERE "workflowId" = 'w1-{p}')"#
    );
    instance.sql(&highest).await;
    let sharing = Sharing { place: one.place.clone(), keys: keys() };
    moves().keep(&instance.name, (&name, VERSION), &sharing).await.unwrap();
    let from = (&name, Some(Beside::Former));
    let refused = moves().bring(from, &instance.name, &replacing(&one, true)).await.unwrap_err();
    assert!(refused.kind() == Kind::Conflict && refused.to_string().contains("2147483647"), "{refused}");
    moves().bring(from, &instance.name, &replacing(&one, false)).await.unwrap();
    assert!(next().await < 1_000_100);
    databases().remove_database(&name).await.unwrap();
    databases().remove_beside(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
    instance.end().await;
}
