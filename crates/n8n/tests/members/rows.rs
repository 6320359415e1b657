//! The rows of members on a real PostgreSQL, in the tables of the real n8n, whatever cuts the work off.

use std::time::{Duration, Instant};

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use futures::{StreamExt as _, stream};
use n8n::databases::TenantDatabases as _;
use n8n::executions::Executions as _;
use n8n::members::{
    ActiveWorkflow, Checked, ExecutionId, Expected, Flaw, Member, MemberError, Members as _, WorkflowId,
    email,
};
use secrecy::ExposeSecret as _;
use time::macros::date;

use crate::contract::{expected, limits, member, until};
use crate::instance::Instance;
use crate::support::{ask, databases};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn somebody(instance: &Instance) -> Member {
    member(&instance.secrets.jwt_secret)
}

/// Whether everything of the member is there, with these limits.
async fn is_whole(instance: &Instance, one: &Member) -> bool {
    let question = format!(
        r#"SELECT concat_ws('|', u.email, u."firstName" || u."lastName", u."roleSlug", u.settings->>'userActivated', u.disabled,
                  p.name, p.type, r.role, k.label, k.audience, json_array_length(k.scopes), t.suspended)
             FROM "user" u JOIN project p ON p."creatorId" = u.id
             JOIN project_relation r ON r."projectId" = p.id AND r."userId" = u.id
             JOIN user_api_keys k ON k."userId" = u.id AND k."apiKey" = '{}'
             JOIN rp9.tenant t ON t.project_id = p.id AND t.user_id = u.id
            WHERE u.id = '{}' AND p.id = '{}'"#,
        one.token.expose_secret(),
        one.place.user.0,
        one.place.project
    );
    let expected = format!(
        "{}|Workspace|global:tenant|false|f|My workspace|personal|project:personalOwner|rp9|public-api|42|f",
        email(one.tenant)
    );
    let seen = ask(&instance.login(), &question).await.unwrap();
    assert!(seen.as_ref().is_none_or(|seen| *seen == expected), "{seen:?}");
    seen.is_some()
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_member_is_whole_or_not_at_all_whenever_it_is_cut_off() {
    let instance = Instance::new(NOWHERE).await;
    let mut whole = 0;
    for step in 0..40 {
        let one = somebody(&instance);
        let made = instance.members.ensure(&instance.name, &one);
        let cut_off = tokio::time::timeout(Duration::from_millis(2 * step), made).await.is_err();
        let there = !instance.members.left(&instance.name, &one.place).await.unwrap().is_empty();
        assert!(cut_off || there, "after {step} steps");
        if there {
            assert!(is_whole(&instance, &one).await, "after {step} steps");
            whole += 1;
        }
        instance.members.ensure(&instance.name, &one).await.unwrap();
        assert!(is_whole(&instance, &one).await);
    }
    assert!(whole > 0, "the longest is long enough");
    for table in ["\"user\"", "project", "project_relation", "user_api_keys", "rp9.tenant"] {
        instance.sql(&format!("CREATE TRIGGER broken BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()")).await;
        let one = somebody(&instance);
        instance.members.ensure(&instance.name, &one).await.unwrap_err();
        assert_eq!(instance.members.left(&instance.name, &one.place).await.unwrap(), [], "{table}");
        instance.sql(&format!("DROP TRIGGER broken ON {table}")).await;
        instance.members.ensure(&instance.name, &one).await.unwrap();
        assert!(is_whole(&instance, &one).await, "{table}");
    }
    instance.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn two_hundred_are_made_ten_at_once() {
    let instance = Instance::new(NOWHERE).await;
    let members: Vec<_> = (0..200).map(|_| somebody(&instance)).collect();
    let made = stream::iter(&members).map(async |one| {
        let begun = Instant::now();
        instance.members.ensure(&instance.name, one).await.unwrap();
        begun.elapsed()
    });
    let mut times: Vec<_> = made.buffer_unordered(10).collect().await;
    times.sort();
    let p95 = times[times.len() * 95 / 100];
    println!("p50 {:?}, p95 {p95:?}", times[times.len() / 2]);
    let expected: Vec<_> = members.iter().map(expected).collect();
    assert_eq!(flawed(&instance, &expected).await, []);
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_key_that_is_lost_relabelled_or_outdated_is_made_again_and_nothing_else_is_touched() {
    let instance = Instance::new(NOWHERE).await;
    let one = somebody(&instance);
    instance.members.ensure(&instance.name, &one).await.unwrap();
    assert!(instance.members.set_suspended(&instance.name, &one.place.project, true).await.unwrap());
    let keys = r#"SELECT string_agg(label || json_array_length(scopes), ',' ORDER BY label) FROM user_api_keys WHERE label <> 'rp9 control plane'"#;
    let damages = [
        "DELETE FROM user_api_keys WHERE label = 'rp9'",
        "UPDATE user_api_keys SET scopes = '[\"user:list\"]' WHERE label = 'rp9'",
        "UPDATE user_api_keys SET \"apiKey\" = 'of before' WHERE label = 'rp9'",
        "UPDATE user_api_keys SET label = 'mine', \"apiKey\" = 'of before' WHERE label = 'rp9'",
    ];
    for damage in damages {
        instance.sql(damage).await;
        instance.members.ensure(&instance.name, &one).await.unwrap();
        assert_eq!(instance.sql(keys).await.as_deref(), Some("rp942"), "{damage}");
    }
    let kept = "SELECT suspended::text FROM rp9.tenant";
    assert_eq!(instance.sql(kept).await.as_deref(), Some("true"));
    instance.end().await;
}

/// What n8n leaves of a member after it was used, as rows.
async fn fill(instance: &Instance, one: &Member) {
    let (user, project) = (one.place.user.0, &one.place.project);
    let statements = format!(
        r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
                VALUES ('w-{project}', 'w', true, '[]', '{{}}', '00000000-0000-0000-0000-000000000000');
           INSERT INTO workflow_history ("versionId", "workflowId", authors, nodes, connections)
                VALUES ('v-{project}', 'w-{project}', 'x', '[]', '{{}}');
           UPDATE workflow_entity SET "activeVersionId" = 'v-{project}' WHERE id = 'w-{project}';
           INSERT INTO shared_workflow ("workflowId", "projectId", role) VALUES ('w-{project}', '{project}', 'workflow:owner');
           INSERT INTO credentials_entity (id, name, type, data) VALUES ('c-{project}', 'c', 't', 'd');
           INSERT INTO shared_credentials ("credentialsId", "projectId", role) VALUES ('c-{project}', '{project}', 'credential:owner');
           INSERT INTO webhook_entity ("webhookPath", method, node, "workflowId") VALUES ('{project}/x', 'GET', 'n', 'w-{project}');
           INSERT INTO execution_entity (finished, mode, status, "workflowId")
                SELECT false, 'webhook', status, 'w-{project}' FROM unnest(ARRAY['running', 'new', 'success', 'waiting']) AS status;
           INSERT INTO execution_data ("executionId", "workflowData", data)
                SELECT id, '{{}}', '' FROM execution_entity WHERE "workflowId" = 'w-{project}';
           INSERT INTO binary_data ("fileId", "sourceType", "sourceId", data, "fileSize")
                SELECT gen_random_uuid(), 'execution', max(id)::text, '', 0 FROM execution_entity WHERE "workflowId" = 'w-{project}';
           INSERT INTO workflow_statistics (name, "workflowId", count) VALUES ('production_success', 'w-{project}', 1);
           INSERT INTO insights_metadata ("workflowId", "projectId", "workflowName", "projectName") VALUES ('w-{project}', '{project}', 'w', 'p');
           INSERT INTO data_table (id, name, "projectId") VALUES ('dt{project}', 'd', '{project}');
           INSERT INTO user_favorites ("userId", "resourceId", "resourceType") VALUES ('{user}', 'w-{project}', 'workflow');
           INSERT INTO rp9.started VALUES ('{project}', '2025-10-01', 7), ('{project}', '2025-11-01', 9)"#
    );
    instance.sql(&statements).await;
}

/// What n8n's own deletion of a user does.
async fn delete_as_n8n_does(instance: &Instance, one: &Member) {
    let (user, project) = (one.place.user.0, &one.place.project);
    let statements = format!(
        r#"UPDATE workflow_entity SET "activeVersionId" = NULL WHERE id = 'w-{project}';
           DELETE FROM workflow_entity WHERE id = 'w-{project}';
           DELETE FROM credentials_entity WHERE id = 'c-{project}';
           DELETE FROM project WHERE id = '{project}';
           DELETE FROM "user" WHERE id = '{user}'"#
    );
    instance.sql(&statements).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_a_member_has_is_seen_as_it_is_and_nothing_of_anybody_elses() {
    let instance = Instance::new(NOWHERE).await;
    let (one, other) = (somebody(&instance), somebody(&instance));
    let (members, name, project) = (&instance.members, &instance.name, &one.place.project);
    for one in [&one, &other] {
        members.ensure(name, one).await.unwrap();
        fill(&instance, one).await;
    }
    let active =
        ActiveWorkflow { workflow: WorkflowId(format!("w-{project}")), version: format!("v-{project}") };
    assert_eq!(members.active_workflows(name, project).await.unwrap(), [active]);
    assert_eq!(members.webhooks(name, project).await.unwrap(), 1);
    assert_eq!(members.running(name, project).await.unwrap(), [ExecutionId(1), ExecutionId(2)]);
    let counts = members.counts(name, project).await.unwrap();
    assert_eq!(
        (counts.workflows, counts.active_workflows, counts.credentials, counts.executions),
        (1, 1, 1, 4)
    );
    let usage = members.usage(name, project).await.unwrap();
    assert_eq!(usage.of_month(date!(2025 - 11 - 27)), 9);
    assert_eq!(usage.of_month(date!(2025 - 12 - 01)), 0);
    // One that another runs as a step takes no place.
    let step = format!(
        r#"INSERT INTO execution_entity (finished, mode, status, "workflowId", "createdAt") VALUES (false, 'integrated', 'running', 'w-{project}', now())"#
    );
    instance.sql(&step).await;
    let begin = format!("SELECT rp9.begin_execution('w-{project}', true)");
    for (limits, expected) in
        [(limits(2, None), "busy"), (limits(3, Some(1)), "go"), (limits(3, Some(1)), "month")]
    {
        assert!(members.set_limits(name, project, limits).await.unwrap());
        assert_eq!(ask(&instance.login(), &begin).await.unwrap().as_deref(), Some(expected));
    }
    assert!(members.set_suspended(name, project, true).await.unwrap());
    assert_eq!(ask(&instance.login(), &begin).await.unwrap().as_deref(), Some("suspended"));
    instance.end().await;
}

/// Whoever runs much takes nobody else's history along.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn each_keeps_the_latest_of_their_own() {
    let instance = Instance::new(NOWHERE).await;
    let (much, little) = (somebody(&instance), somebody(&instance));
    for (one, ended) in [(&little, 1), (&much, 6)] {
        instance.members.ensure(&instance.name, one).await.unwrap();
        fill(&instance, one).await;
        let project = &one.place.project;
        let run = format!(
            r#"INSERT INTO execution_entity (finished, mode, status, "workflowId")
               SELECT true, 'webhook', 'success', 'w-{project}' FROM generate_series(1, {ended})"#
        );
        instance.sql(&run).await;
    }
    // The oldest of the one who runs much was of use to somebody.
    instance
        .sql(&format!(
            r#"INSERT INTO execution_annotations ("executionId", note)
               SELECT min(id), 'look' FROM execution_entity WHERE "workflowId" = 'w-{}' AND status = 'success'"#,
            much.place.project
        ))
        .await;
    let server = databases();
    assert_eq!(
        server.prune_each(&instance.name, 3).await.unwrap(),
        3,
        "seven, less three, and one is annotated"
    );
    assert_eq!(server.prune_each(&instance.name, 3).await.unwrap(), 0);
    let left = async |one: &Member| {
        let left = format!(
            r#"SELECT string_agg(status, ',' ORDER BY id) FROM execution_entity WHERE "workflowId" = 'w-{}' AND "deletedAt" IS NULL"#,
            one.place.project
        );
        instance.sql(&left).await.unwrap()
    };
    assert_eq!(left(&little).await, "running,new,success,waiting,success");
    assert_eq!(left(&much).await, "running,new,success,waiting,success,success,success");
    instance.end().await;
}

/// What every table of n8n's holds, but for these two.
const EVERYTHING: &str = r"SELECT string_agg(name || ' ' || digest, ',' ORDER BY name) FROM (
    SELECT table_name AS name, md5((xpath('//text()', query_to_xml(format(
             'SELECT string_agg(x::text, '','' ORDER BY x::text) FROM %I.%I x', table_schema, table_name), true, true, '')))::text) AS digest
      FROM information_schema.tables WHERE table_schema IN ('public', 'rp9') AND table_type = 'BASE TABLE' AND table_name <> 'leaving') AS all_of_it";

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_removal_that_is_cut_off_anywhere_is_finished_by_the_next() {
    let instance = Instance::new(NOWHERE).await;
    let (one, other) = (somebody(&instance), somebody(&instance));
    let (members, name, main) = (&instance.members, &instance.name, &instance.main);
    members.ensure(name, &other).await.unwrap();
    fill(&instance, &other).await;
    let before = instance.sql(EVERYTHING).await;
    let swept = ["workflow_statistics", "insights_metadata", "binary_data", "rp9.tenant"];
    for table in swept {
        let one = Member { tenant: TenantId::generate(), ..somebody(&instance) };
        members.ensure(name, &one).await.unwrap();
        fill(&instance, &one).await;
        let had = members.left(name, &one.place).await.unwrap();
        for expected in
            ["user", "project", "workflow_history", "execution_entity", "binary_data", "rp9.tenant"]
        {
            let noted = ["execution_entity", "binary_data", "workflow_history"].contains(&expected);
            assert_eq!(had.iter().any(|left| left.table == expected), !noted, "{expected}: {had:?}");
        }
        // Cut off before n8n has done its part: what is to be found afterwards is noted by then.
        assert_eq!(members.remove(main, &one.place).await.unwrap_err().kind(), Kind::Unavailable);
        let had = members.left(name, &one.place).await.unwrap();
        assert!(had.iter().any(|left| left.table == "execution_entity" && left.rows == 4), "{had:?}");
        delete_as_n8n_does(&instance, &one).await;
        // And in the middle of ours.
        instance
            .sql(&format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'cut off'; END $$;
             CREATE TRIGGER broken BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
            ))
            .await;
        members.remove(main, &one.place).await.unwrap_err();
        assert_ne!(members.left(name, &one.place).await.unwrap(), []);
        instance.sql("DROP FUNCTION fail() CASCADE").await;
        for _ in 0..2 {
            members.remove(main, &one.place).await.unwrap();
            assert_eq!(members.left(name, &one.place).await.unwrap(), []);
        }
        assert_eq!(members.usage(name, &one.place.project).await.unwrap().0.len(), 2, "until it is billed");
        members.forget(name, &one.place.project).await.unwrap();
        assert_eq!(instance.sql(EVERYTHING).await, before, "others are as they were");
    }
    assert_eq!(members.left(name, &one.place).await.unwrap(), [], "whoever never came leaves nothing");
    members.remove(main, &one.place).await.unwrap();
    instance.end().await;
}

/// How many of ours there are in its database, beside the one that asks.
const KEPT: &str = "SELECT count(*)::text FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'rp9-tenants' AND pid <> pg_backend_pid()";

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn connections_are_used_again_and_whoever_ends_them_is_not_noticed() {
    let instance = Instance::new(NOWHERE).await;
    let (members, name) = (&instance.members, &instance.name);
    let there: Vec<_> = (0..30).map(|_| somebody(&instance)).collect();
    let made = stream::iter(&there).map(async |one| members.ensure(name, one).await.unwrap());
    made.buffer_unordered(15).collect::<Vec<_>>().await;
    let one = &there[0];
    for _ in 0..30 {
        assert_ne!(members.left(name, &one.place).await.unwrap(), []);
    }
    let kept: u32 = instance.sql(KEPT).await.unwrap().parse().unwrap();
    assert!((1..=8).contains(&kept), "{kept} connections");
    // A restart of the server, or an administrator.
    instance
        .sql(
            "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    for one in &there {
        assert!(members.set_suspended(name, &one.place.project, true).await.unwrap());
    }
    // What one changes for a person who waits is no other's.
    members.reset_password(name, &one.place, "hash", false).await.unwrap();
    for one in &there {
        assert!(members.set_suspended(name, &one.place.project, false).await.unwrap());
    }
    instance.end().await;
    let gone = members.left(name, &one.place).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound, "{gone}");
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_statement_that_is_cut_off_leaves_no_connection_unusable() {
    let instance = Instance::new(NOWHERE).await;
    let (members, name) = (&instance.members, &instance.name);
    let one = somebody(&instance);
    for step in 0..60 {
        let made = members.ensure(name, &one);
        drop(tokio::time::timeout(Duration::from_micros(200 * step), made).await);
    }
    members.ensure(name, &one).await.unwrap();
    assert!(is_whole(&instance, &one).await);
    let idle = format!("{KEPT} AND state <> 'idle'");
    until("nothing is left open", async || instance.sql(&idle).await.as_deref() == Some("0")).await;
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_is_left_in_a_table_of_a_later_release_is_found_too() {
    let instance = Instance::new(NOWHERE).await;
    let one = somebody(&instance);
    let (user, project) = (one.place.user.0, &one.place.project);
    for (columns, values) in [
        (r#"("userId" uuid)"#, format!("('{user}')")),
        (
            r#"(a int, "projectId" varchar(36), PRIMARY KEY (a, "projectId")) PARTITION BY RANGE (a)"#,
            format!("(1, '{project}')"),
        ),
    ] {
        assert_eq!(instance.members.left(&instance.name, &one.place).await.unwrap(), []);
        instance.n8n(&format!("CREATE TABLE later {columns}")).await;
        if columns.contains("PARTITION") {
            instance.n8n("CREATE TABLE later_one PARTITION OF later FOR VALUES FROM (0) TO (9)").await;
        }
        instance.sql(&format!("INSERT INTO later VALUES {values}")).await;
        let left = instance.members.left(&instance.name, &one.place).await.unwrap();
        assert!(left.iter().any(|left| left.table == "later" && left.rows == 1), "{left:?}");
        instance.sql("DROP TABLE later").await;
    }
    instance.end().await;
}

/// What somebody may do to a member's rows, and what is seen of it. `{user}`, `{project}` and `{other}`, who is a user there too.
const DAMAGES: &[(&str, &[Flaw])] = &[
    (r#"DELETE FROM "user" WHERE id = '{user}'"#, &[Flaw::UserMissing, Flaw::ProjectDiffers]),
    (r#"UPDATE "user" SET "roleSlug" = 'global:admin' WHERE id = '{user}'"#, &[Flaw::UserDiffers]),
    (r#"UPDATE "user" SET email = 'me@example.com' WHERE id = '{user}'"#, &[Flaw::UserDiffers]),
    (r#"UPDATE "user" SET email = NULL WHERE id = '{user}'"#, &[Flaw::UserDiffers]),
    ("DELETE FROM project WHERE id = '{project}'", &[Flaw::ProjectMissing]),
    ("UPDATE project SET type = 'team' WHERE id = '{project}'", &[Flaw::ProjectDiffers]),
    (r#"UPDATE project SET "creatorId" = '{other}' WHERE id = '{project}'"#, &[Flaw::ProjectDiffers]),
    (r#"UPDATE project SET "creatorId" = NULL WHERE id = '{project}'"#, &[Flaw::ProjectDiffers]),
    (r#"DELETE FROM project_relation WHERE "projectId" = '{project}'"#, &[Flaw::NotTheOwner]),
    (
        r#"UPDATE project_relation SET role = 'project:viewer' WHERE "projectId" = '{project}'"#,
        &[Flaw::NotTheOwner],
    ),
    (r#"UPDATE user_api_keys SET "apiKey" = 'mine' WHERE "userId" = '{user}'"#, &[Flaw::KeyDiffers]),
    (r#"UPDATE user_api_keys SET scopes = '["user:list"]' WHERE "userId" = '{user}'"#, &[Flaw::KeyDiffers]),
    (r#"UPDATE user_api_keys SET scopes = NULL WHERE "userId" = '{user}'"#, &[Flaw::KeyDiffers]),
    ("DELETE FROM rp9.tenant WHERE project_id = '{project}'", &[Flaw::LimitsDiffer]),
    ("UPDATE rp9.tenant SET concurrent = 99 WHERE project_id = '{project}'", &[Flaw::LimitsDiffer]),
    ("UPDATE rp9.tenant SET executions_month = 1 WHERE project_id = '{project}'", &[Flaw::LimitsDiffer]),
    (
        r#"DELETE FROM "user" WHERE id = '{user}'; DELETE FROM project WHERE id = '{project}'; DELETE FROM rp9.tenant WHERE user_id = '{user}'"#,
        &[Flaw::UserMissing, Flaw::ProjectMissing, Flaw::LimitsDiffer],
    ),
    // Nothing is wrong with these: a member may lose a key, call it something else and let it do less.
    (r#"DELETE FROM user_api_keys WHERE "userId" = '{user}'"#, &[]),
    (
        r#"UPDATE user_api_keys SET label = 'mine', scopes = '["workflow:read"]' WHERE "userId" = '{user}'"#,
        &[],
    ),
];

async fn flawed(instance: &Instance, expected: &[Expected]) -> Vec<(TenantId, Vec<Flaw>)> {
    let checked = instance.members.check(&instance.name, expected).await.unwrap();
    assert!(!checked.common_differs);
    checked.flawed.unwrap()
}

fn done_to(statement: &str, one: &Member, other: &Member) -> String {
    let statement = statement.replace("{user}", &one.place.user.0.to_string());
    statement
        .replace("{project}", one.place.project.as_str())
        .replace("{other}", &other.place.user.0.to_string())
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_somebody_changed_of_a_member_is_seen_and_put_right_and_others_are_left_alone() {
    let instance = Instance::new(NOWHERE).await;
    let (one, other) = (somebody(&instance), somebody(&instance));
    let (members, name) = (&instance.members, &instance.name);
    members.ensure(name, &other).await.unwrap();
    let alone = instance.sql(EVERYTHING).await;
    let both = [expected(&other), expected(&one)];
    for (damage, flaws) in DAMAGES {
        members.ensure(name, &one).await.unwrap();
        assert_eq!(flawed(&instance, &both).await, [], "{damage}");
        instance.sql(&done_to(damage, &one, &other)).await;
        let seen = flawed(&instance, &both).await;
        let whose = (!flaws.is_empty()).then(|| (one.tenant, flaws.to_vec()));
        assert_eq!(seen, whose.into_iter().collect::<Vec<_>>(), "{damage}");
        members.ensure(name, &one).await.unwrap();
        assert_eq!(flawed(&instance, &both).await, [], "{damage}");
        assert!(is_whole(&instance, &one).await, "{damage}");
    }
    let left = r#"DELETE FROM "user" WHERE id = '{user}'; DELETE FROM project WHERE id = '{project}'; DELETE FROM rp9.tenant WHERE user_id = '{user}'"#;
    instance.sql(&done_to(left, &one, &other)).await;
    assert_eq!(instance.sql(EVERYTHING).await, alone, "others are as they were");
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn where_somebody_else_has_to_do_with_a_members_ids_nothing_is_taken_from_them() {
    let instance = Instance::new(NOWHERE).await;
    let other = somebody(&instance);
    let (members, name) = (&instance.members, &instance.name);
    for (damage, flaws) in [
        (
            r#"INSERT INTO project_relation ("projectId", "userId", role) VALUES ('{project}', '{other}', 'project:editor')"#,
            vec![Flaw::Stranger],
        ),
        (
            r#"UPDATE project_relation SET "userId" = '{other}' WHERE "projectId" = '{project}'"#,
            vec![Flaw::NotTheOwner, Flaw::Stranger],
        ),
        (
            "UPDATE rp9.tenant SET user_id = gen_random_uuid() WHERE project_id = '{project}'",
            vec![Flaw::LimitsDiffer],
        ),
    ] {
        let one = somebody(&instance);
        for one in [&one, &other] {
            members.ensure(name, one).await.unwrap();
        }
        instance.sql(&done_to(damage, &one, &other)).await;
        let before = instance.sql(EVERYTHING).await;
        let seen = flawed(&instance, &[expected(&one)]).await;
        assert_eq!(seen, [(one.tenant, flaws)], "{damage}");
        let refused = members.ensure(name, &one).await.unwrap_err();
        assert!(matches!(refused, MemberError::Taken(_)), "{damage}: {refused}");
        assert_eq!(instance.sql(EVERYTHING).await, before, "{damage}");
        instance
            .sql(&done_to(r#"DELETE FROM project_relation WHERE "projectId" = '{project}'"#, &one, &other))
            .await;
    }
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn five_hundred_members_are_checked_by_one_question() {
    let instance = Instance::new(NOWHERE).await;
    let all: Vec<_> = (0..500).map(|_| somebody(&instance)).collect();
    let made =
        stream::iter(&all).map(async |one| instance.members.ensure(&instance.name, one).await.unwrap());
    made.buffer_unordered(8).collect::<Vec<_>>().await;
    let all: Vec<_> = all.iter().map(expected).collect();
    assert_eq!(flawed(&instance, &all).await, []);
    let begun = Instant::now();
    assert_eq!(flawed(&instance, &all).await, []);
    println!("500 members checked in {:?}", begun.elapsed());
    instance.end().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_all_members_have_in_common_is_seen_to_differ_and_put_right_with_the_n8n() {
    let instance = Instance::new(NOWHERE).await;
    let one = somebody(&instance);
    let (members, name) = (&instance.members, &instance.name);
    members.ensure(name, &one).await.unwrap();
    let whole = Checked { common_differs: false, flawed: Some(vec![]) };
    for damage in [
        r#"INSERT INTO scope (slug) VALUES ('user:list') ON CONFLICT DO NOTHING; INSERT INTO role_scope VALUES ('global:tenant', 'user:list')"#,
        r#"DELETE FROM role_scope WHERE "roleSlug" = 'global:tenant'"#,
        r#"UPDATE role SET "systemRole" = true WHERE slug = 'global:tenant'"#,
        "ALTER TABLE webhook_entity DISABLE TRIGGER rp9_webhooks_are_own",
        "DROP TRIGGER rp9_webhooks_are_own ON webhook_entity",
        "DROP FUNCTION rp9.begin_execution",
        "DROP TABLE rp9.started",
        "DROP TABLE rp9.leaving",
        "DROP SCHEMA rp9 CASCADE",
    ] {
        assert_eq!(members.check(name, &[expected(&one)]).await.unwrap(), whole, "{damage}");
        instance.sql(damage).await;
        let seen = members.check(name, &[expected(&one)]).await.unwrap();
        let told = !damage.contains("SCHEMA");
        assert_eq!(seen, Checked { common_differs: true, flawed: told.then(Vec::new) }, "{damage}");
        databases().ensure_shared_schema(name).await.unwrap();
        members.ensure(name, &one).await.unwrap();
    }
    assert_eq!(members.check(name, &[expected(&one)]).await.unwrap(), whole);
    instance.end().await;
}
