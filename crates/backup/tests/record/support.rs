//! Tenants with something to copy, and a store to copy it to.

use std::sync::Arc;

use backup::World;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{
    config::Env,
    id::{BackupId, OperationId, TenantId},
    operations::{self, Asked, End, NewOperation, Request, Saga},
    role::Role,
    secrets::MasterKeys,
};
use n8n::{databases::Name, fake::FakeCopies, members::Place};
use objects::{Key, fake::FakeObjects, seal::SealKey};
use sqlx::PgPool;
use testkit::saga::{Point, Rig, Stores};
use wire::{
    backups::{BackupType, folder},
    kinds::TenantBackup,
};

pub const WORKFLOWS: u64 = 7;

#[derive(Clone)]
pub struct Fakes {
    pub pool: PgPool,
    pub objects: FakeObjects,
    pub copies: FakeCopies,
    pub keys: MasterKeys,
    pub recovery: SealKey,
    stores: Stores,
}

impl Fakes {
    pub fn new(pool: &PgPool) -> Self {
        let key = ("MASTER_KEY", STANDARD.encode([7; 32]));
        Self {
            pool: pool.clone(),
            objects: FakeObjects::default(),
            copies: FakeCopies::default(),
            keys: Env::of([key]).load().unwrap(),
            recovery: SealKey::generate(),
            stores: Stores::new(pool),
        }
    }

    /// Nothing of what was done before is open any more.
    pub async fn anew(&self) -> Self {
        for clear in ["delete from operations", "delete from tenants"] {
            sqlx::query(clear).execute(&self.pool).await.unwrap();
        }
        Self { objects: FakeObjects::default(), copies: FakeCopies::default(), ..self.clone() }
    }

    pub fn world(&self, actor: &str) -> World {
        World {
            cluster: "fake".parse().unwrap(),
            objects: Arc::new(self.objects.actor(actor)),
            copies: Arc::new(self.copies.clone()),
            keys: self.keys.clone(),
            recovery: self.recovery.recipient(),
        }
    }

    /// One with a database of its own, workflows in it, and a key.
    pub async fn tenant(&self, purpose: &str) -> TenantId {
        let tenant = TenantId::generate();
        for insert in [
            "insert into clusters (id, region, engine, subnets) select 'fake', 'local', 'docker', '10.0.0.0/16' where $1 is not null
             on conflict do nothing",
            "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, cluster_id, active_color, created_at)
             values ($1, 'Acme', 'ada@acme.example', 't' || replace($1::text, '-', ''), 'dedicated', 'active', 'pro', '2.41.1', 'fake', 'blue',
                     now() - interval '3 days')",
        ] {
            sqlx::query(insert).bind(tenant).execute(&self.pool).await.unwrap();
        }
        let set = sqlx::query("update tenants set purpose = $2, capacity = case $2 when 'shared' then 10 end, plan = case $2 when 'shared' then 'shared' else plan end where id = $1").bind(tenant).bind(purpose);
        set.execute(&self.pool).await.unwrap();
        let wrapped = self.keys.wrap(tenant, "encryption_key", &"n8n's own key".into()).unwrap();
        let insert = "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) values ($1, 'encryption_key', $2, $3)";
        let insert = sqlx::query(insert).bind(tenant).bind(wrapped.key_id).bind(wrapped.ciphertext);
        insert.execute(&self.pool).await.unwrap();
        self.copies.put(Name::of(tenant), WORKFLOWS);
        tenant
    }

    /// One who shares an n8n, and has workflows in it; and that n8n.
    pub async fn member(&self) -> (TenantId, TenantId) {
        let (member, instance) = (TenantId::generate(), self.tenant("shared").await);
        let place = Place::draw().unwrap();
        let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, cluster_id, active_color, created_at,
                                           shared_instance, shared_project, shared_user)
                      values ($1, 'Acme', 'ada@acme.example', 't' || replace($1::text, '-', ''), 'shared', 'active', 'pro', '1.0.0', 'fake', 'blue',
                              now() - interval '3 days', $2::uuid::text, $3, $4)";
        let insert =
            sqlx::query(insert).bind(member).bind(instance).bind(place.project.as_str()).bind(place.user.0);
        insert.execute(&self.pool).await.unwrap();
        self.copies.put_member(Name::of(instance), &place.project, WORKFLOWS);
        (member, instance)
    }

    /// That n8n is somebody else's.
    pub async fn let_somebody_else_run(&self, instance: TenantId) {
        let theirs = "insert into external_n8ns (cluster_id, tenant_id, base_url, obstacles) values ('fake', $1, 'https://n8n.example.com/', '[]')";
        sqlx::query(theirs).bind(instance).execute(&self.pool).await.unwrap();
    }

    /// As a part of something else would be asked for, so that it goes with any kind.
    pub async fn ask<R: Request<Subject = TenantId>>(&self, tenant: TenantId, request: &R) -> OperationId {
        let operation = OperationId::generate();
        let insert = "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline, lane, alone, service, cluster_id)
                      values ($1, $2, $3, $4, 'test', 'test', now() + interval '1 hour', $5, $6, 'backup', 'fake')";
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

    /// As anybody may ask for it.
    pub async fn accept(&self, tenant: TenantId, request: &TenantBackup) -> bool {
        let asked = Asked {
            actor: "test",
            role: Role::Admin,
            correlation_id: "test",
            traceparent: None,
            reason: None,
        };
        let new = NewOperation::of(OperationId::generate(), &tenant, request, asked);
        operations::accept(&self.pool, &new, None).await.unwrap()
    }

    /// A manual one, made.
    pub async fn backup(&self, tenant: TenantId) -> BackupId {
        let request = manual();
        self.ask(tenant, &request).await;
        assert_eq!(self.run(&backup::MakeBackup).await, End::Succeeded);
        request.backup
    }

    pub async fn run<S: Saga<World = World>>(&self, saga: &'static S) -> End {
        let world = |actor: &str| self.world(actor);
        Rig { saga, stores: &self.stores, world: &world, effects: &|_| 0 }.to_the_end().await
    }

    pub async fn break_at<S: Saga<World = World>>(&self, saga: &'static S, point: Point) -> End {
        let (world, effects) = (|actor: &str| self.world(actor), |actor: &str| self.objects.effects(actor));
        let verdict =
            Rig { saga, stores: &self.stores, world: &world, effects: &effects }.break_at(point).await;
        assert_eq!(verdict.stale_effects, 0, "{point:?}: a process without a lease acted");
        verdict.end
    }

    pub async fn status(&self, backup: BackupId) -> String {
        let status = sqlx::query_scalar("select status from backups where id = $1").bind(backup);
        status.fetch_one(&self.pool).await.unwrap()
    }

    pub async fn set(&self, change: &'static str, backup: BackupId) {
        sqlx::query(change).bind(backup).execute(&self.pool).await.unwrap();
    }

    /// Its objects, by their names.
    pub fn objects_of(&self, tenant: TenantId, backup: BackupId) -> Vec<Key> {
        let folder = folder(tenant, backup);
        self.objects.keys().into_iter().filter(|key| key.as_str().starts_with(&folder)).collect()
    }
}

pub fn manual() -> TenantBackup {
    TenantBackup::of(BackupId::generate(), BackupType::Manual)
}
