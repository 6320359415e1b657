//! One tenant in a world of fakes, on a real record.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    bus::BusError,
    config::Env,
    id::{BackupId, DrillId, OperationId, TenantId},
    operations::{End, Request, Saga},
    secrets::{
        MasterKeys,
        stored::{self, ENCRYPTION_KEY, NEXT_ENCRYPTION_KEY},
    },
    tenant::{Mode, Purpose},
};
use engine::{ClusterId, Executed, Selection, fake::FakeWorld};
use n8n::{
    Version,
    account::{HashCost, UserId},
    databases::Name,
    fake::{DatabaseWorld, MemberWorld, MoveWorld, QueueWorld},
    launch,
    members::Place,
};
use provisioner::{External, Metering, Site, World, leftovers};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{
    edge::TableEdge,
    saga::{Point, Rig, Stores},
};
use wire::kinds::{TenantCreate, TenantLoad};

/// What tenants here run.
const VERSION: Version = Version::new(2, 41, 1);

/// Everything outside, and the record.
#[derive(Clone)]
pub struct Fakes {
    pub pool: PgPool,
    pub cluster: &'static str,
    pub containers: FakeWorld,
    pub databases: DatabaseWorld,
    pub queues: QueueWorld,
    pub members: MemberWorld,
    pub moves: MoveWorld,
    pub metering: Meterings,
    pub external: Arc<External>,
    pub stores: Stores,
}

/// The one cluster of most tests.
pub fn site() -> Site {
    site_with(&[])
}

/// The site with some more settings.
pub fn site_with(more: &[(&'static str, &'static str)]) -> Site {
    site_of("fake", more)
}

fn site_of(cluster: &'static str, more: &[(&'static str, &'static str)]) -> Site {
    let variables = [
        ("CLUSTER_ID", cluster),
        // One of each, so that a tenant can ask for it.
        ("CLUSTER_REGION", cluster),
        // The platform's default has moved on from what these tenants are of: it is not theirs.
        ("N8N_VERSION", "2.99.0"),
        ("TENANT_DOMAIN", "example.com"),
        ("PUBLIC_SCHEME", "https"),
        ("PUBLIC_PORT", "443"),
    ];
    Env::of(variables.into_iter().chain(more.iter().copied())).load().unwrap()
}

fn keys() -> MasterKeys {
    Env::of([("MASTER_KEY", STANDARD.encode([7; 32]))]).load().unwrap()
}

/// What a database was encrypted with that is loaded.
pub const THE_BACKUPS_KEY: &str = "the backup's key";

/// n8n answers for every webhook that it is asked for, and other programs say nothing.
fn answered_for(argv: &[String]) -> Executed {
    let asked: Option<Vec<Value>> = argv.get(3).and_then(|asked| serde_json::from_str(asked).ok());
    let said = asked.map(|asked| json!({ "asked": asked.len(), "silent": [] }).to_string());
    Executed { stdout: said.unwrap_or_default().into(), ..Executed::default() }
}

async fn put_its_key(record: PgPool, tenant: TenantId, name: Option<&'static str>) {
    if let Some(name) = name {
        stored::put(&record, &keys(), tenant, (name, &THE_BACKUPS_KEY.into())).await.unwrap();
    }
}

impl Fakes {
    pub fn new(pool: &PgPool) -> Self {
        Self::on(pool, "fake", FakeWorld::new())
    }

    /// A cluster on this engine, with servers of its own.
    pub fn on(pool: &PgPool, name: &'static str, containers: FakeWorld) -> Self {
        Self::with(Stores::new(pool), pool, name, containers)
    }

    fn with(stores: Stores, pool: &PgPool, name: &'static str, containers: FakeWorld) -> Self {
        let cluster: ClusterId = name.parse().unwrap();
        for role in ["edge", "postgres", "redis"] {
            containers.add_shared(&cluster, role);
        }
        containers.set_execs(|_, argv| Some(answered_for(argv)));
        let databases = DatabaseWorld::default();
        let loaded = databases.clone();
        let record = pool.clone();
        let stores = stores.with_effect(move |part, tenant| {
            let (loads, beside) = (part.kind == TenantLoad::KIND.name, part.request["beside"] == true);
            if loads && !beside {
                loaded.load(&Name::of(tenant), VERSION);
            }
            if loads && beside {
                loaded.load_beside(&Name::of(tenant), VERSION);
            }
            let key = if beside { NEXT_ENCRYPTION_KEY } else { ENCRYPTION_KEY };
            Box::pin(put_its_key(record.clone(), tenant, loads.then_some(key)))
        });
        let members = MemberWorld::of(&databases);
        Self {
            pool: pool.clone(),
            cluster: name,
            containers,
            moves: MoveWorld::of(&databases, &members),
            members,
            metering: Meterings { databases: databases.clone(), ..Meterings::default() },
            databases,
            queues: QueueWorld::default(),
            external: Arc::default(),
            stores,
        }
    }

    /// An empty world of the same name on the same record, which is emptied too.
    pub async fn anew(&self) -> Self {
        // Rows are few: truncating their tables, and making all of their indices anew, takes two hundred times as long.
        for table in
            ["promotions", "failovers", "restore_drills", "restores", "sandboxes", "backups", "tenants"]
        {
            sqlx::query(sqlx::AssertSqlSafe(format!("delete from {table}")))
                .execute(&self.pool)
                .await
                .unwrap();
        }
        Self::with(self.stores.clone(), &self.pool, self.cluster, FakeWorld::new())
    }

    /// The world as one process reaches it.
    pub fn world(&self, process: &str) -> World {
        World {
            containers: Arc::new(self.containers.engine(process)),
            databases: Arc::new(self.databases.actor(process)),
            queues: Arc::new(self.queues.actor(process)),
            members: Arc::new(self.members.actor(process)),
            moves: Arc::new(self.moves.actor(process)),
            metering: Arc::new(self.metering.clone()),
            password_cost: HashCost::LEAST,
            edge: Arc::new(TableEdge(self.pool.clone())),
            inner: "http://edge:8002".parse().unwrap(),
            external: self.external.clone(),
            keys: keys(),
            site: site_of(self.cluster, &[]),
        }
    }

    /// Does what is asked for, to its end.
    pub async fn run<S: Saga<World = World>>(&self, saga: &'static S) -> End {
        let (world, effects) = (|process: &str| self.world(process), |process: &str| self.effects(process));
        Rig { saga, stores: &self.stores, world: &world, effects: &effects }.to_the_end().await
    }

    /// The same, broken at this point. Nobody without a lease may have acted.
    pub async fn break_at<S: Saga<World = World>>(&self, saga: &'static S, point: Point) -> End {
        let (world, effects) = (|process: &str| self.world(process), |process: &str| self.effects(process));
        let rig = Rig { saga, stores: &self.stores, world: &world, effects: &effects };
        let verdict = rig.break_at(point).await;
        assert_eq!(verdict.stale_effects, 0, "{point:?}: a process without a lease acted");
        verdict.end
    }

    /// How many effects a process had. Calls that changed nothing are not effects, but counting them is stricter.
    pub fn effects(&self, process: &str) -> usize {
        let calls = self.databases.ledger().into_iter().chain(self.queues.ledger());
        let calls = calls.chain(self.members.ledger()).chain(self.moves.ledger());
        let reads = [
            "observe",
            "final_state",
            "credentials",
            "schema",
            "connections",
            "owner_login",
            "sizes",
            "usage",
            "pending",
            "login",
            "counts",
            "active_workflows",
            "webhooks",
            "running",
            "left",
            "check",
        ];
        let calls = calls.filter(|call| call.actor == process && !reads.contains(&call.verb)).count();
        calls + self.containers.ledger().iter().filter(|effect| effect.actor == process).count()
    }

    async fn tenant(&self, plan: &str) -> TenantId {
        let tenant = TenantId::generate();
        let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, purpose, capacity)
                      select $1, 'Acme', 'owner@acme.example', $2, 'dedicated', 'provisioning', p.name, '2.41.1',
                             case when p.offered then 'customer' else p.name end, case when p.name = 'shared' then 500 end
                        from plans p where p.name = $3";
        let subdomain = format!("t{}", &tenant.digits()[16..]);
        sqlx::query(insert).bind(tenant).bind(subdomain).bind(plan).execute(&self.pool).await.unwrap();
        self.limit(tenant, plan).await;
        tenant
    }

    /// Accepts a tenant, as the gateway does; of the plans that nobody can ask for, an n8n to be shared, or a sandbox.
    pub async fn accept(&self, plan: &str) -> TenantId {
        let tenant = self.tenant(plan).await;
        let empty = TenantCreate::empty(Mode::Dedicated, plan.into());
        if plan == "sandbox" {
            self.fill(tenant, empty).await;
        } else {
            self.operate(tenant, &empty).await;
        }
        tenant
    }

    /// A sandbox that is made for a drill.
    pub async fn accept_drill(&self) -> TenantId {
        let drill = DrillId::generate();
        let asked =
            TenantCreate { drill: Some(drill), ..TenantCreate::empty(Mode::Dedicated, "sandbox".into()) };
        let tenant = self.tenant("sandbox").await;
        let operation = self.fill(tenant, asked).await;
        let row = "with sandbox as (update sandboxes set drill_id = $1 where operation_id = $2 returning of_tenant, backup_id, operation_id)
                   insert into restore_drills (id, tenant_id, backup_id, operation_id, asked_by)
                   select $1, of_tenant, backup_id, operation_id, 'test' from sandbox";
        sqlx::query(row).bind(drill).bind(operation).execute(&self.pool).await.unwrap();
        tenant
    }

    async fn fill(&self, sandbox: TenantId, asked: TenantCreate) -> OperationId {
        let backup = self.back_up(sandbox).await;
        let operation = self.operate(sandbox, &TenantCreate { from: Some(backup), ..asked }).await;
        self.restore(sandbox, backup, operation).await;
        operation
    }

    /// A backup of this tenant.
    pub async fn back_up(&self, tenant: TenantId) -> BackupId {
        let backup = BackupId::generate();
        let insert = "insert into backups (id, tenant_id, operation_id, type, status, includes_database, includes_workflows, includes_credentials,
                          includes_files, includes_executions, retention_days, path, taken_at, written_at, kept_until, manifest_sha256, manifest)
                      values ($1, $2, gen_random_uuid(), 'manual', 'verified', true, true, true, true, true, 30, 's3://x/', now(), now(),
                          now() + interval '30 days', 'abc', '{}')";
        sqlx::query(insert).bind(backup).bind(tenant).execute(&self.pool).await.unwrap();
        backup
    }

    async fn restore(&self, sandbox: TenantId, backup: BackupId, operation: OperationId) {
        let rows = "with sandbox as (
                        insert into sandboxes (tenant_id, of_tenant, backup_id, name, operation_id, created_by, expires_at)
                        select id, id, $2, subdomain, $3, 'test', now() + interval '1 hour' from tenants where id = $1)
                    insert into restores (id, tenant_id, backup_id, sandbox_id, operation_id, asked_by)
                    values (gen_random_uuid(), $1, $2, $1, $3, 'test')";
        sqlx::query(rows).bind(sandbox).bind(backup).bind(operation).execute(&self.pool).await.unwrap();
    }

    /// What the tenant's n8n encrypts with.
    pub async fn encryption_key(&self, tenant: TenantId) -> String {
        let key = stored::find(&self.pool, &keys(), tenant, ENCRYPTION_KEY).await.unwrap();
        key.unwrap().expose_secret().to_owned()
    }

    /// What became of the restore into this sandbox.
    pub async fn restored(&self, sandbox: TenantId) -> String {
        let status = sqlx::query_scalar("select status from restores where sandbox_id = $1").bind(sandbox);
        status.fetch_one(&self.pool).await.unwrap()
    }

    /// Accepts a tenant that is to live in this n8n, as the gateway does.
    pub async fn accept_in(&self, instance: TenantId) -> TenantId {
        let tenant = TenantId::generate();
        let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, cluster_id, shared_instance)
                      select $1, 'Acme', 'owner@acme.example', $2, 'shared', 'provisioning', 'pro', n8n_version, cluster_id, id::text
                        from tenants where id = $3";
        let subdomain = format!("t{}", &tenant.digits()[16..]);
        sqlx::query(insert).bind(tenant).bind(subdomain).bind(instance).execute(&self.pool).await.unwrap();
        self.limit(tenant, "pro").await;
        self.operate(tenant, &TenantCreate::empty(Mode::Shared, "pro".into())).await;
        tenant
    }

    async fn limit(&self, tenant: TenantId, plan: &str) {
        let limits = "insert into tenant_limits select $1, cpu_millis, memory_mb, workers, storage_gb,
            executions_per_month, concurrent_executions, api_calls_per_hour from plans where name = $2";
        sqlx::query(limits).bind(tenant).bind(plan).execute(&self.pool).await.unwrap();
    }

    /// Accepts an operation for a tenant.
    pub async fn operate<R: Request>(&self, tenant: TenantId, request: &R) -> OperationId {
        let operation = OperationId::generate();
        let insert = "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline, lane, alone)
                      values ($1, $2, $3, $4, 'test', 'test', now() + interval '1 hour', $5, $6)";
        sqlx::query(insert)
            .bind(operation)
            .bind(R::KIND.name)
            .bind(tenant)
            .bind(serde_json::to_value(request).unwrap())
            .bind(R::KIND.lane.as_str())
            .bind(R::KIND.alone)
            .execute(&self.pool)
            .await
            .unwrap();
        operation
    }

    /// Who the tenant is in the n8n that it shares, if it shares one.
    pub async fn place(&self, tenant: TenantId) -> Option<Place> {
        let place = sqlx::query_as("select shared_user, shared_project from tenants where id = $1");
        let (user, project): (Option<uuid::Uuid>, Option<String>) =
            place.bind(tenant).fetch_one(&self.pool).await.unwrap();
        Some(Place { user: UserId(user?), project: project?.parse().unwrap() })
    }

    pub async fn status(&self, tenant: TenantId) -> String {
        sqlx::query_scalar("select status from tenants where id = $1")
            .bind(tenant)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn purpose(&self, tenant: TenantId) -> Purpose {
        let purpose = sqlx::query_scalar("select purpose from tenants where id = $1").bind(tenant);
        let purpose: String = purpose.fetch_one(&self.pool).await.unwrap();
        Purpose::of_record(&purpose)
    }

    pub async fn count(&self, table: &str, tenant: TenantId) -> i64 {
        let count = format!("select count(*) from {table} where tenant_id = $1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(tenant).fetch_one(&self.pool).await.unwrap()
    }

    /// Everything of this tenant is there, once, and works.
    pub async fn assert_whole(&self, tenant: TenantId, workers: usize) {
        assert_eq!(self.status(tenant).await, "active");
        let world = self.world("inspector");
        let inventory = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap();
        let own: Vec<_> = inventory.containers.iter().filter(|c| c.owner.tenant == Some(tenant)).collect();
        assert_eq!(own.len(), workers + 1);
        assert!(own.iter().all(|container| container.is_ready()));
        let networks: Vec<_> = inventory.networks.iter().filter(|n| n.tenant == Some(tenant)).collect();
        assert_eq!(networks.len(), 1);
        assert_eq!(networks[0].attached.len(), 3, "{:?}", networks[0].attached);
        let database = self.databases.database(&Name::of(tenant)).expect("a database");
        assert!(database.instance_owner.is_some() && database.api_keys.len() == 1);
        let purpose = self.purpose(tenant).await;
        let shared = purpose == Purpose::Shared;
        assert_eq!(database.shared_schema, shared);
        assert_eq!(networks[0].has_exit, purpose != Purpose::Sandbox);
        let settings = launch::settings(purpose, &world.site.settings());
        assert!(own.iter().all(|container| container.settings == settings), "{settings}");
        let secrets = if shared { 6 } else { 5 };
        assert!(world.queues.observe().await.unwrap().contains(&tenant));
        for (table, rows) in
            [("routes", 1), ("tenant_instances", workers as i64 + 1), ("tenant_secrets", secrets)]
        {
            assert_eq!(self.count(table, tenant).await, rows, "{table}");
        }
    }

    /// Its containers are as large as this, and the rows say so.
    pub async fn assert_limits(&self, tenant: TenantId, cpu_millis: u32, memory_mb: u32) {
        let world = self.world("inspector");
        let inventory = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap();
        let own = inventory.containers.iter().filter(|c| c.owner.tenant == Some(tenant));
        for limits in own.map(|container| container.limits) {
            assert_eq!((limits.cpu_millis, limits.memory_mb), (cpu_millis, memory_mb));
        }
        let rows = "select cpu_millis, memory_mb from tenant_limits where tenant_id = $1 union
                    select cpu_millis, memory_mb from tenant_instances where tenant_id = $1";
        let rows: Vec<(i32, i32)> = sqlx::query_as(rows).bind(tenant).fetch_all(&self.pool).await.unwrap();
        assert_eq!(rows, [(cpu_millis as i32, memory_mb as i32)]);
    }

    /// What stands in for the tenant on each of its routes.
    pub async fn stand_ins(&self, tenant: TenantId) -> Vec<Option<String>> {
        let stand_ins = sqlx::query_scalar("select stand_in from routes where tenant_id = $1");
        stand_ins.bind(tenant).fetch_all(&self.pool).await.unwrap()
    }

    /// It is suspended: nothing of it runs, a page answers for it, and everything else is there.
    pub async fn assert_resting(&self, tenant: TenantId, workers: usize) {
        assert_eq!(self.status(tenant).await, "suspended");
        let world = self.world("inspector");
        let inventory = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap();
        assert!(inventory.containers.iter().all(|c| c.owner.tenant != Some(tenant)));
        assert_eq!(self.stand_ins(tenant).await, [Some("suspended".to_owned())]);
        assert!(self.databases.database(&Name::of(tenant)).is_some());
        assert_eq!(world.queues.observe().await.unwrap(), [tenant]);
        for (table, rows) in [("tenant_instances", workers as i64 + 1), ("tenant_secrets", 5)] {
            assert_eq!(self.count(table, tenant).await, rows, "{table}");
        }
    }

    /// Nothing of this tenant is left, and its row says why.
    pub async fn assert_gone(&self, tenant: TenantId, status: &str) {
        assert_eq!(self.status(tenant).await, status);
        assert_eq!(leftovers(&self.world("inspector"), tenant).await.unwrap(), [""; 0]);
        for table in ["routes", "tenant_instances", "tenant_secrets"] {
            assert_eq!(self.count(table, tenant).await, 0, "{table}");
        }
        let reserved: bool = sqlx::query_scalar("select subnet is not null from tenants where id = $1")
            .bind(tenant)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        assert!(!reserved, "the subnet is still taken");
    }
}

/// Who counts what instances ran.
#[derive(Clone, Default)]
pub struct Meterings {
    databases: DatabaseWorld,
    counted: Arc<Mutex<BTreeSet<TenantId>>>,
    away: Arc<AtomicBool>,
}

impl Meterings {
    /// Whether this instance was counted while there was something to count.
    pub fn has_counted(&self, instance: TenantId) -> bool {
        self.counted.lock().unwrap().contains(&instance)
    }

    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Metering for Meterings {
    async fn count(&self, instance: TenantId) -> Result<(), BusError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(BusError::NoResponders);
        }
        if self.databases.database(&Name::of(instance)).is_some() {
            self.counted.lock().unwrap().insert(instance);
        }
        Ok(())
    }
}
