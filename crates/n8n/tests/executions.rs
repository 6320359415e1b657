//! The meter in a real database with n8n's own tables, by the statements that n8n makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use common::clock;
use common::id::TenantId;
use common::tenant::ExecutionKind;
use n8n::account;
use n8n::databases::{DatabaseError, Name, PostgresDatabases, TenantDatabases as _};
use n8n::executions::{Executions as _, HourCount, Whose};
use secrecy::{ExposeSecret as _, SecretString};
use support::{RealMigrations, VERSION, ask, databases, postgres};

struct Instance {
    name: Name,
    password: SecretString,
    server: PostgresDatabases,
}

impl Instance {
    async fn new() -> Self {
        let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
        let server = databases();
        server.ensure_template(VERSION, &RealMigrations).await.unwrap();
        server.ensure_role(&name, &password, 9).await.unwrap();
        server.ensure_database(&name, &name, VERSION).await.unwrap();
        Self { name, password, server }
    }

    /// As n8n's own login.
    async fn n8n(&self, statement: &str) -> Option<String> {
        let name = self.name.to_string();
        let login = postgres().username(&name).password(self.password.expose_secret()).database(&name);
        ask(&login, statement).await.unwrap_or_else(|code| panic!("{code}: {statement}"))
    }

    async fn refused(&self, statement: &str) -> String {
        let name = self.name.to_string();
        let login = postgres().username(&name).password(self.password.expose_secret()).database(&name);
        ask(&login, statement).await.unwrap_err()
    }

    async fn workflow(&self, id: &str) {
        self.n8n(&format!(
            r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
               VALUES ('{id}', '{id}', false, '[]', '{{}}', gen_random_uuid())"#
        ))
        .await;
    }

    /// One more execution that waits to begin. Returns its id.
    async fn queue(&self, workflow: &str, mode: &str) -> String {
        let queued = format!(
            r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt")
               VALUES ('{workflow}', '{mode}', 'new', false, now() - interval '3 seconds') RETURNING id::text"#
        );
        self.n8n(&queued).await.unwrap()
    }

    async fn begin(&self, id: &str) {
        let begin = r#"UPDATE execution_entity SET status = 'running', "startedAt" = coalesce("startedAt", now()), "waitTill" = null"#;
        self.n8n(&format!("{begin} WHERE id = {id}")).await;
    }

    async fn end(&self, id: &str, status: &str) {
        let end = r#"UPDATE execution_entity SET finished = true, "stoppedAt" = "startedAt" + interval '2 seconds', status"#;
        self.n8n(&format!("{end} = '{status}' WHERE id = {id}")).await;
    }

    async fn run(&self, workflow: &str, mode: &str, status: &str) -> String {
        let id = self.queue(workflow, mode).await;
        self.begin(&id).await;
        self.end(&id, status).await;
        id
    }

    async fn hours(&self) -> Vec<HourCount> {
        let mut hours = self.server.hours(&self.name, None).await.unwrap().hours;
        hours.sort_by_key(|count| (count.hour, count.kind));
        hours
    }

    async fn remove(&self) {
        self.server.remove_database(&self.name).await.unwrap();
        self.server.remove_role(&self.name).await.unwrap();
    }
}

fn of(hours: &[HourCount], kind: ExecutionKind) -> HourCount {
    let mut found = hours.iter().filter(|count| count.kind == kind);
    let first = found.next().cloned().unwrap_or_else(|| panic!("nothing of {kind} in {hours:?}"));
    assert!(found.all(|other| other.hour != first.hour), "{hours:?}");
    first
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn everything_that_runs_is_counted_once_by_its_kind_whatever_becomes_of_it() {
    let it = Instance::new().await;
    it.workflow("old").await;
    let before = it.run("old", "webhook", "success").await;
    it.server.ensure_meter(&it.name).await.unwrap();
    it.server.ensure_meter(&it.name).await.unwrap();
    it.workflow("one").await;
    for (mode, status) in [
        ("webhook", "success"),
        ("trigger", "error"),
        ("retry", "crashed"),
        ("manual", "success"),
        ("error", "success"),
        ("integrated", "success"),
        ("webhook", "canceled"),
    ] {
        it.run("one", mode, status).await;
    }
    // Another try of what was run by hand is by hand.
    let manual = it.run("one", "manual", "error").await;
    let again = format!(
        r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "retryOf")
           VALUES ('one', 'retry', 'new', false, now(), '{manual}') RETURNING id::text"#
    );
    let again = it.n8n(&again).await.unwrap();
    it.begin(&again).await;
    it.end(&again, "success").await;
    // Not saved: n8n says that it is deleted before, after or instead of saying how it ended.
    let unsaved = it.queue("one", "integrated").await;
    it.begin(&unsaved).await;
    it.n8n(&format!(
        r#"UPDATE execution_entity SET "deletedAt" = now() - interval '1 hour' WHERE id = {unsaved}"#
    ))
    .await;
    let by_hand = it.queue("one", "manual").await;
    it.begin(&by_hand).await;
    it.n8n(&format!("DELETE FROM execution_entity WHERE id = {by_hand}")).await;
    // Taken back before it began, and never one.
    let never = it.queue("one", "webhook").await;
    it.n8n(&format!("DELETE FROM execution_entity WHERE id = {never}")).await;
    // Taken for lost, and then it ended.
    let late = it.run("one", "webhook", "crashed").await;
    it.end(&late, "success").await;
    // One that rests in the middle begins once.
    let resting = it.queue("one", "webhook").await;
    it.begin(&resting).await;
    it.end(&resting, "waiting").await;
    it.begin(&resting).await;

    let counted = it.hours().await;
    // Pruned, and gone with their workflows: as it was.
    it.n8n(&format!("DELETE FROM execution_entity WHERE id IN ({before}, {late})")).await;
    it.n8n("DELETE FROM workflow_entity WHERE id = 'old'").await;
    assert_eq!(it.hours().await, counted);

    let production = of(&counted, ExecutionKind::Production);
    let HourCount { executions, succeeded, failed, canceled, discarded, run, .. } = production;
    assert_eq!((executions, succeeded, failed, canceled, discarded), (7, 3, 2, 1, 0));
    assert_eq!(run.as_secs(), 12, "six ended, two seconds each");
    let manual = of(&counted, ExecutionKind::Manual);
    assert_eq!((manual.executions, manual.succeeded, manual.failed, manual.discarded), (4, 2, 1, 1));
    let sub = of(&counted, ExecutionKind::SubWorkflow);
    assert_eq!((sub.executions, sub.succeeded, sub.discarded), (2, 1, 1));
    assert_eq!(of(&counted, ExecutionKind::Error).executions, 1);

    // Its workflow goes while it runs: it was one.
    it.n8n("DELETE FROM workflow_entity WHERE id = 'one'").await;
    let production = of(&it.hours().await, ExecutionKind::Production);
    assert_eq!((production.executions, production.discarded), (7, 1));
    it.remove().await;
}

/// Planned for when there were none, as in the session of an n8n that was just made, or of whoever brings a tenant's executions.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn one_of_many_is_found_without_looking_at_the_others() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    it.workflow("one").await;
    it.n8n(
        r#"DO $$
           DECLARE looked_at bigint;
           BEGIN
               FOR try IN 1..2 LOOP
                   INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "retryOf")
                   SELECT 'one', 'webhook', 'new', false, now(), CASE WHEN try = 2 THEN number::text END FROM generate_series(1, 200) number;
                   UPDATE execution_entity SET status = 'running', "startedAt" = now() WHERE status = 'new';
               END LOOP;
               DELETE FROM execution_entity;
               SELECT seq_tup_read INTO looked_at FROM pg_stat_xact_user_tables WHERE schemaname = 'rp9' AND relname = 'execution';
               IF looked_at IS DISTINCT FROM 0 THEN RAISE EXCEPTION 'looked at %', looked_at; END IF;
           END $$"#,
    )
    .await;
    assert_eq!(of(&it.hours().await, ExecutionKind::Production).discarded, 400);
    it.remove().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn an_hour_is_told_again_when_something_of_it_changes_and_only_then() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    it.workflow("one").await;
    let long = it.queue("one", "webhook").await;
    let begin =
        r#"UPDATE execution_entity SET status = 'running', "startedAt" = now() - interval '30 hours'"#;
    it.n8n(&format!("{begin} WHERE id = {long}")).await;
    let first = it.server.hours(&it.name, None).await.unwrap();
    assert_eq!((first.hours.len(), first.hours[0].executions, first.hours[0].succeeded), (1, 1, 0));
    let again = it.server.hours(&it.name, Some(clock::now() + Duration::from_secs(60))).await.unwrap();
    assert_eq!((again.hours.len(), again.source), (0, first.source));
    it.end(&long, "success").await;
    let told = it.server.hours(&it.name, Some(first.until)).await.unwrap();
    assert_eq!((told.hours[0].hour, told.hours[0].succeeded), (first.hours[0].hour, 1));

    assert_eq!(it.server.forget(&it.name, clock::now() - Duration::from_secs(31 * 3600)).await.unwrap(), 0);
    assert_eq!(it.server.forget(&it.name, clock::now()).await.unwrap(), 1);
    it.remove().await;
}

/// Its owner may write what they like into n8n's tables: it makes no figure that nobody can believe, and keeps no other from being counted.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_cannot_be_is_not_told() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    it.workflow("one").await;
    it.run("one", "webhook", "success").await;
    for (queued, started, stopped) in [
        ("now()", "'2099-01-01'", "'2099-01-02'"),
        ("now()", "now()", "'infinity'"),
        ("'1999-01-01'", "now()", "now()"),
        ("'2019-06-10'", "'2019-06-10'", "now()"),
    ] {
        it.n8n(&format!(
            r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "startedAt", "stoppedAt")
               VALUES ('one', 'webhook', 'success', true, {queued}, {started}, {stopped})"#
        ))
        .await;
    }
    let production = of(&it.hours().await, ExecutionKind::Production);
    assert_eq!(production.executions, 3, "neither what is to come nor what was forgotten");
    assert!(production.run < Duration::from_secs(70), "{:?}", production.run);
    let seen = it.server.activity(&it.name, Whose::Everybodys).await.unwrap();
    assert!(seen[""].queue_wait_p95.unwrap() <= Duration::from_secs(86_400));
    assert_eq!(seen[""].began_in_minute, 3);
    it.remove().await;
}

/// A `Wait` node takes no worker for as long as it rests.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_rests_does_not_run_meanwhile() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    it.workflow("one").await;
    let admin = postgres().database(&it.name.to_string());
    for end in ["success", "canceled"] {
        let id = it.queue("one", "webhook").await;
        let begin =
            r#"UPDATE execution_entity SET status = 'running', "startedAt" = now() - interval '2 hours'"#;
        it.n8n(&format!("{begin} WHERE id = {id}")).await;
        // n8n says that it stopped when it begins to rest.
        it.end(&id, "waiting").await;
        let since = "UPDATE rp9.execution SET waiting_since = now() - interval '119 minutes'";
        ask(&admin, &format!("{since} WHERE id = {id}")).await.unwrap();
        let seen = it.server.activity(&it.name, Whose::Everybodys).await.unwrap();
        assert_eq!(seen[""].running, 0);
        if end == "success" {
            it.begin(&id).await;
        }
        let ended = r#"UPDATE execution_entity SET finished = true, "stoppedAt" = now(), status"#;
        it.n8n(&format!("{ended} = '{end}' WHERE id = {id}")).await;
    }
    let run = of(&it.hours().await, ExecutionKind::Production).run.as_secs();
    assert!((120..130).contains(&run), "a minute each, not two hours: {run}");
    let duration = it.server.activity(&it.name, Whose::Everybodys).await.unwrap()[""].duration_p95.unwrap();
    assert!(duration < Duration::from_secs(70), "{duration:?}");
    it.remove().await;
}

/// As the release before this left it, with what ran there.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_meter_of_a_former_release_is_made_anew_with_what_it_has_counted() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    it.workflow("one").await;
    it.run("one", "webhook", "success").await;
    let resting = it.queue("one", "webhook").await;
    it.begin(&resting).await;
    it.end(&resting, "waiting").await;
    let former = "ALTER TABLE rp9.execution DROP COLUMN waiting_since, DROP COLUMN waited; COMMENT ON TABLE rp9.execution IS 'rp9 meter 3'";
    ask(&postgres().database(&it.name.to_string()), former).await.unwrap();
    it.server.ensure_meter(&it.name).await.unwrap();
    it.begin(&resting).await;
    it.end(&resting, "success").await;
    let production = of(&it.hours().await, ExecutionKind::Production);
    assert_eq!((production.executions, production.succeeded, production.run.as_secs()), (2, 2, 4));
    it.remove().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_goes_on_is_told_of_the_queue_and_not_of_what_never_was_in_it() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    assert!(it.server.activity(&it.name, Whose::Everybodys).await.unwrap().is_empty());
    it.workflow("one").await;
    for mode in ["webhook", "manual", "integrated"] {
        it.queue("one", mode).await;
        let running = it.queue("one", mode).await;
        it.begin(&running).await;
        it.run("one", mode, "success").await;
    }
    it.run("one", "webhook", "error").await;
    let seen = it.server.activity(&it.name, Whose::Everybodys).await.unwrap();
    let activity = &seen[""];
    assert_eq!((activity.queued, activity.running, activity.began_in_minute), (1, 2, 3));
    assert_eq!((activity.succeeded, activity.failed), (1, 1));
    let wait = activity.queue_wait_p95.unwrap().as_secs_f64();
    assert!((3.0..4.0).contains(&wait), "{wait}");
    assert!(activity.oldest.unwrap() >= Duration::from_secs(3));
    // By n8n's own rows.
    let own = it
        .n8n(
            r#"SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM "startedAt" - "createdAt"))::text
                 FROM execution_entity WHERE mode = 'webhook' AND "startedAt" IS NOT NULL"#,
        )
        .await
        .unwrap();
    assert!((wait / own.parse::<f64>().unwrap() - 1.0).abs() < 0.01, "{wait} {own}");
    it.remove().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_meter_that_does_not_see_is_found_and_made_anew_and_n8n_cannot_touch_one() {
    let it = Instance::new().await;
    it.server.ensure_meter(&it.name).await.unwrap();
    assert!(it.server.is_seen(&it.name).await.unwrap());
    let left = it
        .n8n(
            "SELECT (SELECT count(*) FROM workflow_entity) || ' ' || (SELECT count(*) FROM execution_entity)",
        )
        .await;
    assert_eq!(left.as_deref(), Some("0 0"));
    assert!(it.hours().await.is_empty());
    for statement in ["SELECT * FROM rp9.execution", "DELETE FROM rp9.execution", "SELECT rp9.source()"] {
        assert_eq!(it.refused(statement).await, "42501", "{statement}");
    }
    // As a migration of n8n's that makes the table anew would.
    it.n8n("DROP TRIGGER rp9_write_down ON execution_entity").await;
    assert!(!it.server.is_seen(&it.name).await.unwrap());
    let unseen = it.server.activity(&it.name, Whose::Everybodys).await;
    assert!(matches!(unseen, Err(DatabaseError::Unmetered)), "unknown is not nothing: {unseen:?}");
    it.workflow("one").await;
    it.run("one", "webhook", "success").await;
    it.server.ensure_meter(&it.name).await.unwrap();
    assert!(it.server.is_seen(&it.name).await.unwrap());
    assert_eq!(
        of(&it.hours().await, ExecutionKind::Production).executions,
        1,
        "what ran meanwhile is counted too"
    );
    it.remove().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_copy_counts_by_itself() {
    let (it, copy) = (Instance::new().await, Instance::new().await);
    for instance in [&it, &copy] {
        instance.server.ensure_meter(&instance.name).await.unwrap();
        instance.workflow("one").await;
    }
    it.run("one", "webhook", "success").await;
    // What a restored copy brings along.
    let admin = |instance: &Instance| postgres().database(&instance.name.to_string());
    let row = ask(&admin(&it), "SELECT source::text || '|' || id FROM rp9.execution").await.unwrap().unwrap();
    let (source, id) = row.split_once('|').unwrap();
    let brought = format!(
        "INSERT INTO rp9.execution (source, id, project_id, kind, state, queued_at, started_at, stopped_at, changed_at) VALUES ('{source}', {id}, null, 'production', 'succeeded', now(), now(), now(), now())"
    );
    ask(&admin(&copy), &brought).await.unwrap();
    copy.run("one", "manual", "success").await;
    let [theirs, own] = [&it, &copy].map(|i| i.server.hours(&i.name, None));
    let (theirs, own) = (theirs.await.unwrap(), own.await.unwrap());
    assert_ne!(theirs.source, own.source);
    assert_eq!((theirs.hours.len(), own.hours.len(), own.hours[0].kind), (1, 1, ExecutionKind::Manual));
    it.remove().await;
    copy.remove().await;
}
