//! A sandbox that is made to try a backup out passes or fails, and goes either way.

use common::{
    database::MIGRATOR,
    id::{BackupId, DrillId, TenantId},
    operations::{End, Wake},
    tenant::Mode,
};
use engine::Executed;
use n8n::{credentials::Credential, drill};
use provisioner::{CreateTenant, Sandboxes};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::saga::points;
use wire::kinds::TenantCreate;

use crate::support::{Fakes, site};

/// What the backup's key has sealed.
const SEALED: &str = "U2FsdGVkX18BAgMEBQYHCGRy5m9zfSwx2j+4Krk1jT1cK6t9aS3w1HiffgvYKpye";

/// What only they have, and where they end.
const STEPS: [&str; 3] = ["credentials", "smoke", "activate"];

fn asked(backup: BackupId) -> TenantCreate {
    let (from, drill) = (Some(backup), Some(DrillId::generate()));
    TenantCreate { from, drill, ..TenantCreate::empty(Mode::Dedicated, "sandbox".into()) }
}

/// Asks for one, in an n8n in which a workflow runs.
async fn accept(fakes: &Fakes) -> TenantId {
    fakes.containers.set_execs(|_, argv| {
        let said = if argv == drill::run() { "drill 42" } else { "" };
        Some(Executed { stdout: said.into(), ..Executed::default() })
    });
    fakes.accept_drill().await
}

fn credential(id: &str, data: &str) -> Credential {
    Credential { id: id.to_owned(), name: "A mail server".to_owned(), data: data.to_owned() }
}

async fn drilled(fakes: &Fakes) -> Value {
    let row = "select row_to_json(d) from (select status, issues, data_integrity, found, rto_seconds is not null as timed from restore_drills) d";
    sqlx::query_scalar(row).fetch_one(&fakes.pool).await.unwrap()
}

async fn told(fakes: &Fakes, sandbox: TenantId) -> Vec<String> {
    let told =
        "select kind from event_outbox where kind like 'tenant.drill%' and tenant_id = $1 order by seq";
    sqlx::query_scalar(told).bind(sandbox).fetch_all(&fakes.pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_drill_passes_or_fails_and_its_sandbox_goes_either_way(pool: PgPool) {
    let base = Fakes::new(&pool);
    let points = points(&CreateTenant, &asked(BackupId::generate())).into_iter();
    for point in points.filter(|point| STEPS.contains(&point.step)) {
        let fakes = base.anew().await;
        let sandbox = accept(&fakes).await;
        let end = fakes.break_at(&CreateTenant, point).await;
        let case = format!("{point:?}");
        let row = drilled(&fakes).await;
        if end == End::RolledBack {
            assert!(point.mode.gives_up(), "{case}");
            fakes.assert_gone(sandbox, "failed").await;
            assert_eq!(row["status"], "failed", "{case}: {row}");
            assert_eq!(row["issues"].as_array().unwrap().len(), 1, "{case}: {row}");
        } else {
            assert_eq!((&row["status"], &row["timed"]), (&json!("passed"), &json!(true)), "{case}: {row}");
            let looks = Sandboxes::new(pool.clone(), &site(), Wake::default()).look().await.unwrap();
            assert_eq!(looks, 1, "{case}: its time is over");
        }
        assert_eq!(told(&fakes, sandbox).await.len(), 1, "{case}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_does_not_open_is_named_and_nothing_of_what_is_in_it(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (second, passes) in [(SEALED, true), ("U2FsdGVkX18BAgMEBQYHCGRy5m9zfSwx", false)] {
        let fakes = base.anew().await;
        fakes.databases.put_into_backups(vec![credential("c1", SEALED), credential("c2", second)]);
        let sandbox = accept(&fakes).await;
        let end = fakes.run(&CreateTenant).await;
        let row = drilled(&fakes).await;
        let opened = if passes { 2 } else { 1 };
        assert_eq!(
            row["found"],
            json!({ "workflows": 0, "credentials": 2, "credentials_opened": opened, "executions": 0 })
        );
        if passes {
            assert_eq!((end, &row["data_integrity"]), (End::Succeeded, &json!("intact")));
        } else {
            assert_eq!((end, &row["data_integrity"]), (End::RolledBack, &json!("damaged")));
            assert_eq!(row["issues"], json!(["1 of 2 credentials do not open with the backup's key: c2."]));
            assert_eq!(told(&fakes, sandbox).await, ["tenant.drill_failed"]);
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_n8n_that_answers_and_runs_nothing_fails(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (exit_code, said) in [(0, ""), (1, "drill 42"), (139, "")] {
        let fakes = base.anew().await;
        let sandbox = accept(&fakes).await;
        fakes
            .containers
            .set_execs(move |_, _| Some(Executed { exit_code, stdout: said.into(), ..Executed::default() }));
        assert_eq!(fakes.run(&CreateTenant).await, End::RolledBack);
        fakes.assert_gone(sandbox, "failed").await;
        let row = drilled(&fakes).await;
        assert_eq!(row["status"], "failed");
        assert!(row["issues"][0].as_str().unwrap().contains("that was restored"), "{row}");
    }
}
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_program_that_crashes_once_it_has_done_its_work_has_done_it(pool: PgPool) {
    let fakes = Fakes::new(&pool).anew().await;
    accept(&fakes).await;
    let crashed = || Executed { exit_code: 139, stdout: "drill 42".into(), ..Executed::default() };
    fakes.containers.set_execs(move |_, _| Some(crashed()));
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    assert_eq!(drilled(&fakes).await["status"], "passed");
}
