//! Restoring in place: a tenant is what the backup holds, or what it was before.

use std::sync::Arc;

use common::{
    database::MIGRATOR,
    id::{BackupId, RestoreId, TenantId},
    operations::{End, Request as _},
    service::Round as _,
};
use n8n::{
    databases::{Beside, Counts, Name, TenantDatabases as _},
    fake::FakeMember,
    members::{ExecutionId, WorkflowId},
};
use provisioner::{Clearing, CreateTenant, RestoreTenant, ResumeTenant, SuspendTenant};
use sqlx::PgPool;
use testkit::saga::{every_third, points};
use wire::kinds::{TenantRestore, TenantResume, TenantSuspend, TenantUpgrade};

use crate::support::{Fakes, THE_BACKUPS_KEY};

const WORKERS: usize = 2;

const THE_BACKUPS: &str = "somebody@acme.example";
const ITS_OWN: &str = "owner@acme.example";

fn asked(backup: BackupId) -> TenantRestore {
    TenantRestore { restore: RestoreId::generate(), backup, executions: true, safety_backup: true }
}

/// Accepts it, as the gateway does.
async fn accept(fakes: &Fakes, tenant: TenantId) -> TenantRestore {
    let request = asked(fakes.back_up(tenant).await);
    let before = fakes.status(tenant).await;
    let operation = fakes.operate(tenant, &request).await;
    for change in [
        "update operations set former_status = $2 where id = $1",
        "update tenants set status = 'migrating' where id = (select tenant_id from operations where id = $1) and status = $2",
    ] {
        sqlx::query(change).bind(operation).bind(&before).execute(&fakes.pool).await.unwrap();
    }
    request
}

async fn serving(base: &Fakes) -> (Fakes, TenantId) {
    let fakes = base.anew().await;
    let tenant = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    (fakes, tenant)
}

/// Whose n8n it is, by the database that is in use; and nothing stands beside that when `alone`.
fn assert_owned(fakes: &Fakes, tenant: TenantId, email: &str, alone: bool, case: &str) {
    let name = Name::of(tenant);
    let owner = fakes.databases.database(&name).unwrap().instance_owner.unwrap().1;
    assert_eq!(owner.email, email, "{case}");
    assert!(fakes.databases.beside(&name, Beside::Next).is_none(), "{case}");
    assert_eq!(fakes.databases.beside(&name, Beside::Former).is_none(), alone, "{case}");
}

async fn clear(fakes: &Fakes) {
    Clearing::new(fakes.pool.clone(), Arc::new(fakes.world("clearing"))).run().await.unwrap();
}

async fn became(fakes: &Fakes, request: &TenantRestore) -> String {
    let status = sqlx::query_scalar("select status from restores where id = $1").bind(request.restore);
    status.fetch_one(&fakes.pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_is_what_the_backup_holds_or_what_it_was(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&RestoreTenant, &asked(BackupId::generate()))) {
        let (fakes, tenant) = serving(&base).await;
        let request = accept(&fakes, tenant).await;
        let end = fakes.break_at(&RestoreTenant, point).await;
        let case = format!("{point:?}");
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{case}");
            assert_owned(&fakes, tenant, ITS_OWN, true, &case);
            assert_ne!(fakes.encryption_key(tenant).await, THE_BACKUPS_KEY, "{case}");
            assert_eq!(became(&fakes, &request).await, "failed", "{case}");
        } else {
            assert_eq!(end, End::Succeeded, "{case}");
            assert_owned(&fakes, tenant, THE_BACKUPS, false, &case);
            assert_eq!(became(&fakes, &request).await, "succeeded", "{case}");
            clear(&fakes).await;
            assert_owned(&fakes, tenant, THE_BACKUPS, true, &case);
            assert_eq!(fakes.encryption_key(tenant).await, THE_BACKUPS_KEY, "{case}");
        }
        fakes.assert_whole(tenant, WORKERS).await;
        assert_eq!(fakes.stand_ins(tenant).await, [None], "{case}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_whose_database_was_lost_is_what_the_backup_holds_or_has_none(pool: PgPool) {
    let base = Fakes::new(&pool);
    // Those to which it makes a difference.
    let steps = ["begin", "workers", "switch", "start"];
    let points = points(&RestoreTenant, &asked(BackupId::generate())).into_iter();
    for point in points.filter(|point| steps.contains(&point.step)) {
        let (fakes, tenant) = serving(&base).await;
        let name = Name::of(tenant);
        fakes.databases.actor("loss").remove_database(&name).await.unwrap();
        fakes.databases.actor("loss").remove_role(&name).await.unwrap();
        let request = accept(&fakes, tenant).await;
        let end = fakes.break_at(&RestoreTenant, point).await;
        let case = format!("{point:?}");
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{case}");
            assert_eq!(fakes.databases.database(&name), None, "{case}");
            assert!(
                Beside::ALL.iter().all(|which| fakes.databases.beside(&name, *which).is_none()),
                "{case}"
            );
            assert_ne!(fakes.encryption_key(tenant).await, THE_BACKUPS_KEY, "{case}");
            assert_eq!(became(&fakes, &request).await, "failed", "{case}");
        } else {
            assert_eq!(end, End::Succeeded, "{case}");
            clear(&fakes).await;
            assert_owned(&fakes, tenant, THE_BACKUPS, true, &case);
            fakes.assert_whole(tenant, WORKERS).await;
        }
        assert_eq!(fakes.status(tenant).await, "active", "{case}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_rests_goes_on_resting_on_what_was_restored(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    fakes.operate(tenant, &TenantSuspend {}).await;
    assert_eq!(fakes.run(&SuspendTenant).await, End::Succeeded);
    let request = accept(&fakes, tenant).await;
    assert_eq!(fakes.run(&RestoreTenant).await, End::Succeeded);
    assert_owned(&fakes, tenant, THE_BACKUPS, false, "suspended");
    clear(&fakes).await;
    fakes.assert_resting(tenant, WORKERS).await;
    let proven = "select proven_at is not null from backups where id = $1";
    let proven: bool = sqlx::query_scalar(proven).bind(request.backup).fetch_one(&pool).await.unwrap();
    assert!(!proven, "no n8n ran on it");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_gets_what_is_anothers(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    let other = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let theirs = fakes.back_up(other).await;
    let request = asked(theirs);
    fakes.operate(tenant, &request).await;
    assert_eq!(fakes.run(&RestoreTenant).await, End::RolledBack);
    assert_owned(&fakes, tenant, ITS_OWN, true, "another's");
    let parts: i64 = sqlx::query_scalar("select count(*) from operations where parent_id is not null")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(parts, 0, "nothing was read");
}

/// What the backup has in it.
const HELD: Counts = Counts { workflows: 3, active_workflows: 2, credentials: 4, executions: 9 };

/// A shared n8n with somebody in it, and one of whom something is active, waits and has run.
struct House {
    fakes: Fakes,
    instance: TenantId,
    neighbour: FakeMember,
    tenant: TenantId,
    before: FakeMember,
}

impl House {
    async fn open(base: &Fakes) -> Self {
        let fakes = base.anew().await;
        let instance = fakes.accept("shared").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        let mut members = Vec::new();
        for word in ["theirs", "its"] {
            let tenant = fakes.accept_in(instance).await;
            assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
            let project = fakes.place(tenant).await.unwrap().project;
            fakes.members.change(&Name::of(instance), &project, |member| {
                for (name, version) in [("a", Some("a1".to_owned())), ("b", None)] {
                    member.workflows.insert(WorkflowId(format!("{word}-{name}")), version);
                }
                (member.credentials, member.ended) = (7, 30);
                member.waiting.insert(ExecutionId(11));
            });
            members.push((tenant, fakes.members.member(&Name::of(instance), &project).unwrap()));
        }
        fakes.databases.put_counts_into_backups(HELD);
        let (tenant, before) = members.pop().unwrap();
        let (_, neighbour) = members.pop().unwrap();
        Self { fakes, instance, neighbour, tenant, before }
    }

    fn member(&self) -> FakeMember {
        self.fakes.members.member(&Name::of(self.instance), &self.before.place.project).unwrap()
    }

    /// It is who it was, with what it had or with what the backup has. Nothing stands beside, and nobody else has changed.
    async fn has(&self, restored: bool, case: &str) {
        let (member, mut wanted) = (self.member(), self.before.clone());
        if restored {
            let active = member.workflows.values().flatten().count() as u64;
            assert_eq!(
                (member.workflows.len() as u64, active),
                (HELD.workflows, HELD.active_workflows),
                "{case}"
            );
            wanted.workflows.clone_from(&member.workflows);
            (wanted.credentials, wanted.ended) = (HELD.credentials, HELD.executions);
            wanted.waiting.clear();
        }
        assert_eq!(member, wanted, "{case}");
        let neighbour = self.fakes.members.member(&Name::of(self.instance), &self.neighbour.place.project);
        assert_eq!(neighbour.as_ref(), Some(&self.neighbour), "{case}");
        let left = provisioner::leftovers(&self.fakes.world("inspector"), self.tenant).await.unwrap();
        assert_eq!(left, [""; 0], "{case}");
        for (table, rows) in [("tenant_secrets", 1), ("resting_workspaces", 0)] {
            assert_eq!(self.fakes.count(table, self.tenant).await, rows, "{table}, {case}");
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_shares_has_what_the_backup_holds_or_what_it_had_and_nobody_else_notices(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&RestoreTenant, &asked(BackupId::generate()))) {
        let house = House::open(&base).await;
        let (fakes, tenant) = (&house.fakes, house.tenant);
        let request = accept(fakes, tenant).await;
        let end = fakes.break_at(&RestoreTenant, point).await;
        let case = format!("{point:?}");
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{case}");
            assert_eq!(became(fakes, &request).await, "failed", "{case}");
        } else {
            assert_eq!(end, End::Succeeded, "{case}");
            assert_eq!(became(fakes, &request).await, "succeeded", "{case}");
            assert!(fakes.databases.beside(&Name::of(tenant), Beside::Former).is_some(), "{case}");
            clear(fakes).await;
        }
        house.has(!point.mode.gives_up(), &case).await;
        assert_eq!(fakes.status(tenant).await, "active", "{case}");
        assert_eq!(fakes.stand_ins(tenant).await, [None], "{case}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_shares_and_rests_is_resumed_with_what_was_restored(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    let (fakes, tenant) = (&house.fakes, house.tenant);
    fakes.operate(tenant, &TenantSuspend {}).await;
    assert_eq!(fakes.run(&SuspendTenant).await, End::Succeeded);
    accept(fakes, tenant).await;
    assert_eq!(fakes.run(&RestoreTenant).await, End::Succeeded);
    clear(fakes).await;
    let member = house.member();
    assert_eq!(
        (fakes.status(tenant).await.as_str(), member.suspended, member.disabled),
        ("suspended", true, true)
    );
    assert_eq!(member.workflows.values().flatten().count(), 0, "nothing of it is active");
    fakes.operate(tenant, &TenantResume {}).await;
    assert_eq!(fakes.run(&ResumeTenant).await, End::Succeeded);
    house.has(true, "resumed").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_was_before_stays_while_another_restore_may_go_back_to_it(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    accept(&fakes, tenant).await;
    assert_eq!(fakes.run(&RestoreTenant).await, End::Succeeded);
    accept(&fakes, tenant).await;
    clear(&fakes).await;
    assert_owned(&fakes, tenant, THE_BACKUPS, false, "another one is open");
    assert_eq!(fakes.run(&RestoreTenant).await, End::Succeeded);
    clear(&fakes).await;
    assert_owned(&fakes, tenant, THE_BACKUPS, true, "both have ended");
    assert_eq!(TenantRestore::KIND.next_status(), None, "it ends as it was");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_stands_beside_stays_while_an_upgrade_may_need_it(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    accept(&fakes, tenant).await;
    assert_eq!(fakes.run(&RestoreTenant).await, End::Succeeded);
    fakes.operate(tenant, &TenantUpgrade::to(wire::N8N_VERSIONS[1])).await;
    clear(&fakes).await;
    assert_owned(&fakes, tenant, THE_BACKUPS, false, "an upgrade is open");
}
