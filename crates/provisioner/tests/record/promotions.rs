//! Promotion: a tenant lives in an n8n of its own with all that it had, or where it lived as before. What is somebody else's never changes.

use std::sync::{Arc, Mutex};

use common::{
    database::MIGRATOR,
    id::{PromotionId, RestoreId, TenantId},
    operations::{End, Request, Wake},
};
use engine::{ContainerSpec, Executed, fake::Run};
use n8n::{
    copies::{Changes, Thing},
    databases::{Counts, Name},
    fake::{Database, FakeMember},
    members::{ExecutionId, Place, WorkflowId},
};
use provisioner::{
    CreateTenant, DeleteTenant, PromoteTenant, RestoreTenant, ResumeTenant, RetireTenant, Retiring,
    RollbackTenant, SuspendTenant,
};
use sqlx::PgPool;
use testkit::saga::{Point, every_third, points};
use wire::kinds::{
    TenantDelete, TenantPromote, TenantRestore, TenantResume, TenantRetire, TenantRollback, TenantSuspend,
};

use crate::support::Fakes;

const WORKERS: usize = 2;
const WAITING: [ExecutionId; 2] = [ExecutionId(5), ExecutionId(6)];

/// A shared n8n with somebody in it, and one who is about to leave.
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
        let (_, neighbour) = settle(&fakes, instance, "theirs").await;
        let (tenant, before) = settle(&fakes, instance, "own").await;
        Self { fakes, instance, neighbour, tenant, before }
    }

    fn member(&self) -> Option<FakeMember> {
        self.fakes.members.member(&Name::of(self.instance), &self.before.place.project)
    }

    fn change(&self, change: impl FnOnce(&mut FakeMember)) {
        self.fakes.members.change(&Name::of(self.instance), &self.before.place.project, change);
    }

    fn own(&self) -> Option<Database> {
        self.fakes.databases.database(&Name::of(self.tenant))
    }

    /// Nobody else has changed.
    fn is_left_alone(&self) {
        let now = self.fakes.members.member(&Name::of(self.instance), &self.neighbour.place.project);
        assert_eq!(now.as_ref(), Some(&self.neighbour));
    }

    /// It lives where it lived, exactly as before, and nothing was set aside for it.
    async fn is_where_it_was(&self, case: &str) {
        assert_eq!(self.fakes.status(self.tenant).await, "active", "{case}");
        assert_eq!(self.member().as_ref(), Some(&self.before), "{case}");
        assert_eq!(self.own(), None, "{case}");
        self.has_nothing_of_its_own(case).await;
        assert_eq!(self.fakes.stand_ins(self.tenant).await, [None], "{case}");
        assert_eq!(self.place().await, Some(self.before.place.clone()), "{case}");
        assert_eq!(self.row("mode").await, "shared", "{case}");
        assert_eq!(self.promotion("status").await, "failed", "{case}");
        self.is_left_alone();
    }

    /// It lives in an n8n of its own with all that it had, and what it had there is kept, asleep.
    async fn is_in_its_own(&self, case: &str) {
        self.fakes.assert_whole(self.tenant, WORKERS).await;
        let own = self.own().unwrap();
        assert_eq!(own.counts, counts(), "{case}");
        let (user, owner) = own.instance_owner.unwrap();
        assert_eq!(user.0, self.before.place.user.0, "{case}");
        assert_eq!(owner.email, "owner@acme.example", "{case}");
        assert_eq!(owner.password_hash, self.before.password_hash, "{case}");
        let kept = self.member().unwrap();
        assert_eq!((kept.suspended, kept.disabled), (true, true), "{case}");
        assert_eq!((kept.waiting.len(), kept.aside), (0, WAITING.into()), "{case}");
        assert!(kept.workflows.values().all(Option::is_none), "{case}");
        assert_eq!(self.row("mode").await, "dedicated", "{case}");
        assert_eq!(self.row("former_project").await, self.before.place.project.as_str(), "{case}");
        assert_eq!(self.row("former_waiting::text").await, "{5,6}", "{case}");
        assert_eq!(self.promotion("status").await, "succeeded", "{case}");
        assert!(self.fakes.metering.has_counted(self.instance), "{case}");
        self.is_left_alone();
    }

    /// How many have something in the n8n that they share.
    async fn sharing(&self) -> i64 {
        let sharing = sqlx::query_scalar("select tenants_sharing($1)").bind(self.instance);
        sharing.fetch_one(&self.fakes.pool).await.unwrap()
    }

    async fn place(&self) -> Option<Place> {
        self.fakes.place(self.tenant).await
    }

    async fn row(&self, column: &str) -> String {
        let row = format!("select {column} from tenants where id = $1");
        let row = sqlx::query_scalar(sqlx::AssertSqlSafe(row)).bind(self.tenant);
        row.fetch_one(&self.fakes.pool).await.unwrap()
    }

    async fn promotion(&self, column: &str) -> String {
        let row =
            format!("select {column} from promotions where tenant_id = $1 order by asked_at desc limit 1");
        let row = sqlx::query_scalar(sqlx::AssertSqlSafe(row)).bind(self.tenant);
        row.fetch_one(&self.fakes.pool).await.unwrap()
    }

    /// Accepts it, as the gateway does.
    async fn accept(&self, request: &impl Request) {
        let operation = self.fakes.operate(self.tenant, request).await;
        for change in [
            "update operations set former_status = 'active' where id = $1",
            "update tenants set status = 'migrating' where id = (select tenant_id from operations where id = $1)",
        ] {
            sqlx::query(change).bind(operation).execute(&self.fakes.pool).await.unwrap();
        }
    }

    /// Moved out, and then some things happened in its own n8n: a workflow was switched off, and one that waited went on.
    async fn open_moved(base: &Fakes) -> (Self, TenantRollback) {
        let house = Self::open(base).await;
        assert_eq!(house.promote().await, End::Succeeded);
        house.change(|member| member.steps.clear());
        let thing = Thing { kind: "workflow".into(), id: "new".into(), name: "New".into() };
        let switched_off = ["own-b", "own-c"].map(|id| WorkflowId(id.into())).into();
        let still_waiting = [WAITING[0]].into();
        let changes = Changes {
            made: vec![thing],
            things: 1,
            executions: 3,
            switched_off,
            still_waiting,
            ..Changes::default()
        };
        house.fakes.moves.set_changes(Name::of(house.tenant), changes);
        let promotion =
            sqlx::query_scalar("select id from promotions where tenant_id = $1").bind(house.tenant);
        let promotion = promotion.fetch_one(&house.fakes.pool).await.unwrap();
        (house, TenantRollback { promotion })
    }

    /// It lives where it lived, with what was switched off since switched off, and what it did is told.
    async fn is_back(&self, case: &str) {
        assert_eq!(self.fakes.status(self.tenant).await, "active", "{case}");
        let now = self.member().unwrap();
        assert_eq!((now.suspended, now.disabled), (false, false), "{case}");
        assert_eq!((now.waiting, now.aside), ([WAITING[0]].into(), [WAITING[1]].into()), "{case}");
        let active: Vec<_> = now.workflows.iter().filter(|(_, version)| version.is_some()).collect();
        assert_eq!(active, [(&WorkflowId("own-a".into()), &Some("v1".to_owned()))], "{case}");
        assert_eq!(self.row("mode").await, "shared", "{case}");
        assert_eq!(self.fakes.stand_ins(self.tenant).await, [None], "{case}");
        assert_eq!(self.place().await, Some(self.before.place.clone()), "{case}");
        assert_eq!(self.promotion("status").await, "rolled_back", "{case}");
        assert_eq!(self.promotion("changes -> 'made' -> 0 ->> 'name'").await, "New", "{case}");
        assert!(self.fakes.metering.has_counted(self.tenant), "{case}");
        self.is_left_alone();
    }

    /// Nothing is left of its own.
    async fn has_nothing_of_its_own(&self, case: &str) {
        let left = provisioner::leftovers(&self.fakes.world("inspector"), self.tenant).await.unwrap();
        assert_eq!(left, [""; 0], "{case}");
        for (table, rows) in
            [("routes", 1), ("tenant_instances", 0), ("tenant_secrets", 1), ("resting_workspaces", 0)]
        {
            assert_eq!(self.fakes.count(table, self.tenant).await, rows, "{table}, {case}");
        }
        assert_eq!(self.row("coalesce(subnet::text, '')").await, "", "{case}");
    }

    async fn promote(&self) -> End {
        self.accept(&asked()).await;
        self.fakes.run(&PromoteTenant).await
    }
}

fn asked() -> TenantPromote {
    TenantPromote::of(PromotionId::generate())
}

fn counts() -> Counts {
    Counts { workflows: 3, active_workflows: 2, credentials: 4, executions: 7 + 2 }
}

/// One who lives there, and has something: two of three workflows are active, and two executions wait.
async fn settle(fakes: &Fakes, instance: TenantId, word: &str) -> (TenantId, FakeMember) {
    let tenant = fakes.accept_in(instance).await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let project = fakes.place(tenant).await.unwrap().project;
    fakes.members.change(&Name::of(instance), &project, |member| {
        for (name, version) in [("a", Some("v1")), ("b", None), ("c", Some("v7"))] {
            member.workflows.insert(WorkflowId(format!("{word}-{name}")), version.map(str::to_owned));
        }
        let [first, last] = ["a", "c"].map(|name| WorkflowId(format!("{word}-{name}")));
        member.steps.insert(first, last);
        (member.credentials, member.ended) = (4, 7);
        member.waiting.extend(WAITING);
    });
    (tenant, fakes.members.member(&Name::of(instance), &project).unwrap())
}

async fn is_broken(base: &Fakes, point: Point) {
    let house = House::open(base).await;
    house.accept(&asked()).await;
    let end = house.fakes.break_at(&PromoteTenant, point).await;
    let (case, gives_up) = (format!("{point:?}"), point.mode.gives_up());
    assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{case}");
    if gives_up { house.is_where_it_was(&case).await } else { house.is_in_its_own(&case).await }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_lives_in_its_own_n8n_or_where_it_lived(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&PromoteTenant, &asked())) {
        is_broken(&base, point).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_whose_n8n_does_not_have_active_what_was_is_back_where_it_was(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    let (databases, name) = (house.fakes.databases.clone(), Name::of(house.tenant));
    house.fakes.containers.set_starts(move |_| {
        databases.change(&name, |database| database.counts.active_workflows = 1);
    });
    assert_eq!(house.promote().await, End::RolledBack);
    house.is_where_it_was("one is not active").await;
}

/// n8n may be ready a moment before it answers for everything.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn callers_are_led_there_once_it_answers_for_every_webhook(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    let asked_for = Arc::new(Mutex::new(Vec::new()));
    let told = asked_for.clone();
    house.fakes.containers.set_execs(move |spec, argv| {
        let mut told = told.lock().unwrap();
        told.push((spec.name.contains("main"), argv[3].clone()));
        let said = match told.len() {
            1 => "",
            2 => r#"{"asked":2,"silent":[1]}"#,
            _ => r#"{"asked":2,"silent":[]}"#,
        };
        Some(Executed { stdout: said.into(), ..Executed::default() })
    });
    assert_eq!(house.promote().await, End::Succeeded);
    house.is_in_its_own("asked three times").await;
    let each = (true, r#"[["POST","0"],["POST","1"]]"#.to_owned());
    assert_eq!(*asked_for.lock().unwrap(), [each.clone(), each.clone(), each]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_n8n_that_does_not_start_on_the_copy_touches_nothing(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    house.fakes.containers.set_runs(|spec: &ContainerSpec| Run::Exits {
        code: i64::from(spec.name.contains("rehearsal")),
        logs: String::new(),
    });
    assert_eq!(house.promote().await, End::RolledBack);
    house.is_where_it_was("does not start").await;
    let verbs = house.fakes.members.ledger();
    assert!(!verbs.iter().any(|call| ["deactivate", "set_suspended", "set_aside"].contains(&call.verb)));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_runs_is_waited_for_and_no_longer_than_was_said(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    house.change(|member| member.running.extend([ExecutionId(77)]));
    house.accept(&asked()).await;
    let at_once = "update operations set request = jsonb_set(request, '{ttl_minutes}', '0') where kind = 'tenant.promote'";
    sqlx::query(at_once).execute(&pool).await.unwrap();
    let before = house.member().unwrap();
    assert_eq!(house.fakes.run(&PromoteTenant).await, End::RolledBack);
    assert_eq!(house.member(), Some(before));
}

/// Of one that waited for its moment the tenant hears nothing until then.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_waited_begins_from_what_the_tenant_is_by_then(pool: PgPool) {
    let window: wire::Window = "2026-08-01T01:00:00Z".parse().unwrap();
    let until = common::clock::now() + time::Duration::hours(1);
    let windows = [None, Some(window), Some(wire::Window { until: Some(until), ..window })];
    let base = Fakes::new(&pool);
    for window in windows {
        let house = House::open(&base).await;
        house.fakes.operate(house.tenant, &TenantPromote { window, ..asked() }).await;
        assert_eq!(house.fakes.run(&PromoteTenant).await, End::Succeeded);
        house.is_in_its_own("in its window").await;
    }
    for point in points(&PromoteTenant, &asked()).into_iter().filter(|point| point.ordinal == 0) {
        let house = House::open(&base).await;
        house.fakes.operate(house.tenant, &asked()).await;
        let end = house.fakes.break_at(&PromoteTenant, point).await;
        let (case, gives_up) = (format!("{point:?}"), point.mode.gives_up());
        assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{case}");
        if gives_up { house.is_where_it_was(&case).await } else { house.is_in_its_own(&case).await }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_whose_moment_does_not_come_any_more_leaves_the_tenant_as_it_is(pool: PgPool) {
    let window = Some("2026-08-01T01:00:00Z/2026-08-01T03:00:00Z".parse().unwrap());
    let base = Fakes::new(&pool);
    for (status, window) in [
        ("active", window),
        ("suspended", None),
        ("suspended", window),
        ("migrating", None),
        ("deleted", None),
    ] {
        let house = House::open(&base).await;
        let become_it = sqlx::query("update tenants set status = $2 where id = $1");
        become_it.bind(house.tenant).bind(status).execute(&house.fakes.pool).await.unwrap();
        let before = house.member();
        house.fakes.operate(house.tenant, &TenantPromote { window, ..asked() }).await;
        assert_eq!(house.fakes.run(&PromoteTenant).await, End::RolledBack, "{status}");
        assert_eq!(house.row("status").await, status);
        assert_eq!(house.promotion("status").await, "failed");
        assert_eq!(house.member(), before);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_has_an_n8n_of_its_own_is_not_moved_again(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    assert_eq!(house.promote().await, End::Succeeded);
    house.is_in_its_own("once").await;
    assert_eq!(house.promote().await, End::RolledBack);
    assert_eq!(house.row("mode").await, "dedicated");
    assert_eq!(house.own().unwrap().counts, counts());
    assert!(TenantPromote::KIND.unwinds);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_waits_and_does_not_come_along_waits_where_it_was_when_it_is_undone(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    let (databases, name) = (house.fakes.databases.clone(), Name::of(house.tenant));
    house.fakes.containers.set_starts(move |_| {
        databases.change(&name, |database| database.counts.active_workflows = 1);
    });
    house.accept(&TenantPromote { executions: false, ..asked() }).await;
    assert_eq!(house.fakes.run(&PromoteTenant).await, End::RolledBack);
    house.is_where_it_was("without executions").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_it_had_there_goes_a_day_later_and_the_n8n_stays_until_then(pool: PgPool) {
    let base = Fakes::new(&pool);
    let request = TenantRetire::of_promotion(PromotionId::generate());
    for point in points(&RetireTenant, &request).into_iter().filter(|point| !point.mode.gives_up()) {
        let house = House::open(&base).await;
        assert_eq!(house.promote().await, End::Succeeded);
        assert_eq!(house.sharing().await, 2, "its neighbour, and what is kept of it");
        let retiring = Retiring::new(pool.clone(), house.fakes.world("retiring").into(), Wake::default());
        assert_eq!(retiring.look().await.unwrap(), 0, "not yet");
        sqlx::query("update promotions set retire_at = now()").execute(&pool).await.unwrap();
        assert_eq!((retiring.look().await.unwrap(), retiring.look().await.unwrap()), (1, 0));
        assert_eq!(house.fakes.break_at(&RetireTenant, point).await, End::Succeeded, "{point:?}");
        assert_eq!(house.member(), None, "{point:?}");
        assert_eq!(house.sharing().await, 1);
        assert_eq!(house.fakes.count("resting_workspaces", house.tenant).await, 0);
        assert_eq!(retiring.look().await.unwrap(), 0, "it is done");
        house.fakes.assert_whole(house.tenant, WORKERS).await;
        house.is_left_alone();
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_is_removed_leaves_nothing_where_it_lived(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    assert_eq!(house.promote().await, End::Succeeded);
    house.fakes.operate(house.tenant, &TenantDelete { final_backup: false }).await;
    assert_eq!(house.fakes.run(&DeleteTenant).await, End::Succeeded);
    house.fakes.assert_gone(house.tenant, "deleted").await;
    assert_eq!(house.member(), None);
    assert_eq!(house.sharing().await, 1);
    house.is_left_alone();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_goes_back_lives_where_it_lived_or_in_its_own_n8n_as_before(pool: PgPool) {
    let base = Fakes::new(&pool);
    let request = TenantRollback { promotion: PromotionId::generate() };
    for point in every_third(points(&RollbackTenant, &request)) {
        let (house, request) = House::open_moved(&base).await;
        house.accept(&request).await;
        let end = house.fakes.break_at(&RollbackTenant, point).await;
        let (case, gives_up) = (format!("{point:?}"), point.mode.gives_up());
        assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{case}");
        if gives_up { house.is_in_its_own(&case).await } else { house.is_back(&case).await }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_its_own_n8n_left_goes_unless_it_was_moved_again_by_then(pool: PgPool) {
    let (house, request) = House::open_moved(&Fakes::new(&pool)).await;
    house.accept(&request).await;
    assert_eq!(house.fakes.run(&RollbackTenant).await, End::Succeeded);
    house.is_back("back").await;
    // Before anybody comes to what is left: it is in use again, and nobody removes it.
    assert_eq!(house.promote().await, End::Succeeded);
    assert_eq!(
        house.member().unwrap().aside,
        [WAITING[0]].into(),
        "what went on before goes on nowhere else"
    );
    let retiring = Retiring::new(pool.clone(), house.fakes.world("retiring").into(), Wake::default());
    assert_eq!((retiring.look().await.unwrap(), retiring.look().await.unwrap()), (1, 0));
    assert_eq!(house.fakes.run(&RetireTenant).await, End::Succeeded);
    house.fakes.assert_whole(house.tenant, WORKERS).await;

    let promotion = sqlx::query_scalar("select id from promotions where status = 'succeeded'");
    let promotion = promotion.fetch_one(&pool).await.unwrap();
    house.accept(&TenantRollback { promotion }).await;
    assert_eq!(house.fakes.run(&RollbackTenant).await, End::Succeeded);
    assert_eq!(retiring.look().await.unwrap(), 0, "it is asked for again after some minutes");
    let later = "update operations set finished_at = finished_at - interval '10 minutes' where kind = 'tenant.retire'";
    sqlx::query(later).execute(&pool).await.unwrap();
    assert_eq!(retiring.look().await.unwrap(), 1);
    assert_eq!(house.fakes.run(&RetireTenant).await, End::Succeeded);
    house.has_nothing_of_its_own("retired").await;
    assert_eq!(retiring.look().await.unwrap(), 0);
    assert_eq!(house.fakes.status(house.tenant).await, "active");
}

/// What was active where it lived is what the way back needs.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_was_restored_in_its_own_n8n_can_go_back_all_the_same(pool: PgPool) {
    let (house, request) = House::open_moved(&Fakes::new(&pool)).await;
    let backup = house.fakes.back_up(house.tenant).await;
    let restore =
        TenantRestore { restore: RestoreId::generate(), backup, executions: true, safety_backup: true };
    house.accept(&restore).await;
    assert_eq!(house.fakes.run(&RestoreTenant).await, End::Succeeded);
    assert_eq!(house.fakes.count("resting_workspaces", house.tenant).await, 1);
    house.accept(&request).await;
    assert_eq!(house.fakes.run(&RollbackTenant).await, End::Succeeded);
    house.is_back("restored").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_goes_back_to_what_is_not_there_any_more(pool: PgPool) {
    let (house, request) = House::open_moved(&Fakes::new(&pool)).await;
    let promotion = PromotionId::generate();
    sqlx::query("update promotions set retire_at = now()").execute(&pool).await.unwrap();
    for request in [request, TenantRollback { promotion }] {
        house.accept(&request).await;
        assert_eq!(house.fakes.run(&RollbackTenant).await, End::RolledBack);
        house.is_in_its_own("too late").await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_rested_in_between_goes_back_to_what_was_active(pool: PgPool) {
    let (house, request) = House::open_moved(&Fakes::new(&pool)).await;
    house.fakes.operate(house.tenant, &TenantSuspend {}).await;
    assert_eq!(house.fakes.run(&SuspendTenant).await, End::Succeeded);
    house.fakes.operate(house.tenant, &TenantResume {}).await;
    assert_eq!(house.fakes.run(&ResumeTenant).await, End::Succeeded);
    house.accept(&request).await;
    assert_eq!(house.fakes.run(&RollbackTenant).await, End::Succeeded);
    house.is_back("rested").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_was_given_up_in_its_own_n8n_is_there_and_what_it_had_goes_as_any_others(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    assert_eq!(house.promote().await, End::Succeeded);
    // As if its last step had been stuck, and a person had given it up.
    for change in [
        "update promotions set status = 'running', ended_at = null, retire_at = null",
        "update operations set status = 'stuck', finished_at = null where kind = 'tenant.promote'",
        "update operations set status = 'abandoned', finished_at = now() where kind = 'tenant.promote'",
    ] {
        sqlx::query(change).execute(&pool).await.unwrap();
    }
    assert_eq!((house.promotion("status").await.as_str(), house.sharing().await), ("succeeded", 2));
}
