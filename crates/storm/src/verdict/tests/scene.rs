//! One tenant, what was accepted for it, and everything that is so when all went well.

use bytes::Bytes;
use common::{
    clock,
    id::{OperationId, TenantId},
    tenant::TenantStatus,
};
use http::StatusCode;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    asked::{Asked, Plan, Size},
    ledger::{Accepted, Answer, Question, Said, Told, Unaccepted},
    record::{Operation, Record, Tenant},
    verdict::{Seen, Verdict, belongings::containers},
    world::{Kind, Limits, Object},
};

/// Between the acceptance of one operation and of the next: longer than any statement waits.
const APART: Duration = Duration::minutes(1);

pub struct Scene {
    pub told: Told,
    pub record: Record,
    pub seen: Seen,
    pub tenant: TenantId,
    pub creation: OperationId,
    pub now: OffsetDateTime,
}

impl Scene {
    /// A tenant that was made.
    pub fn new() -> Self {
        Self::with(Plan::Starter)
    }

    pub fn with(plan: Plan) -> Self {
        let mut scene = Self {
            told: Told::default(),
            record: Record::default(),
            seen: Seen::default(),
            tenant: TenantId::generate(),
            creation: OperationId::generate(),
            now: clock::now() - Duration::hours(1),
        };
        scene.creation = scene.accept(Asked::Create(plan), "succeeded");
        scene.is(TenantStatus::Active, plan.size());
        scene
    }

    /// The next thing that is asked for and accepted, and how it ends half a minute later.
    pub fn accept(&mut self, asked: Asked, status: &str) -> OperationId {
        let (operation, key, tenant) = (OperationId::generate(), Uuid::now_v7(), self.tenant);
        let answer = Answer { status: StatusCode::CREATED, body: Bytes::new() };
        self.told.accepted.push(Accepted { key, asked, operation, tenant, answer });
        self.now += APART;
        let row = Operation {
            id: operation,
            kind: asked.kind().unwrap().name.into(),
            tenant_id: tenant,
            status: status.into(),
            request: request(asked),
            error: None,
            created_at: self.now,
            started_at: Some(self.now),
            finished_at: Some(self.now + APART / 2),
            audited: 1,
            told_accepted: 1,
            told_ended: 1,
        };
        self.record.operations.insert(operation, row);
        operation
    }

    /// Accepted in the middle of this one.
    pub fn accept_beside(&mut self, asked: Asked, status: &str, other: OperationId) -> OperationId {
        let operation = self.accept(asked, status);
        self.operation(other).finished_at = Some(self.now + APART);
        operation
    }

    pub fn cancel(&mut self, operation: OperationId) {
        self.told.cancelled.push(operation);
    }

    /// Somebody was told so this long after the last acceptance.
    pub fn say(&mut self, asked: Asked, said: Said, after: Duration) {
        let (key, sent) = (Uuid::now_v7(), self.now + after);
        let question = Question { key, asked, sent };
        self.told.unaccepted.push(Unaccepted { question, said, answered: sent });
    }

    /// The tenant's row, its routes and its world are as they have to be.
    pub fn is(&mut self, status: TenantStatus, size: Size) {
        let limits = Limits { cpu_millis: size.cpu_millis, memory_mb: size.memory_mb };
        let (lives, runs) = match status {
            TenantStatus::Active => (true, true),
            TenantStatus::Suspended => (true, false),
            TenantStatus::Provisioning
            | TenantStatus::Migrating
            | TenantStatus::Failed
            | TenantStatus::Deleting
            | TenantStatus::Deleted => (false, false),
        };
        let names: Vec<_> = containers(self.tenant, size).filter(|_| lives).collect();
        let routes = if lives { vec![(!runs).then(|| "suspended".to_owned())] } else { vec![] };
        let rows = names.iter().map(|name| (name.clone(), limits)).collect();
        self.record
            .tenants
            .insert(self.tenant, Tenant { status: status.as_str().into(), routes, size, containers: rows });
        let kinds = [Kind::Role, Kind::Database, Kind::Owner, Kind::Key, Kind::Queue, Kind::Network];
        let mut objects: Vec<_> =
            kinds.into_iter().filter(|_| lives).map(|kind| object(kind, "acme", None)).collect();
        for name in names.iter().filter(|_| runs) {
            objects.push(object(Kind::Container, name, Some(limits)));
            objects.push(object(Kind::Volume, &format!("{name}.secrets"), None));
        }
        self.seen.objects.insert(self.tenant, objects);
    }

    pub fn operation(&mut self, id: OperationId) -> &mut Operation {
        self.record.operations.get_mut(&id).unwrap()
    }

    pub fn row(&mut self) -> &mut Tenant {
        self.record.tenants.get_mut(&self.tenant).unwrap()
    }

    pub fn objects(&mut self) -> &mut Vec<Object> {
        self.seen.objects.get_mut(&self.tenant).unwrap()
    }

    /// The parts in which something was found.
    pub fn found(&self) -> Vec<&'static str> {
        let verdict = Verdict::of(&self.told, &self.record, &self.seen);
        verdict.parts().into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(name, _)| name).collect()
    }
}

fn request(asked: Asked) -> Value {
    match asked {
        Asked::Create(plan) => json!({ "mode": "dedicated", "plan": plan.as_str() }),
        Asked::Scale(_, wish) => {
            json!({ "cpu_millis": wish.cpu_millis, "memory_mb": wish.memory_mb, "workers": wish.workers })
        }
        Asked::Remove(_) | Asked::Cancel(_) | Asked::Restart(_) | Asked::Suspend(_) | Asked::Resume(_) => {
            json!({})
        }
    }
}

fn object(kind: Kind, name: &str, limits: Option<Limits>) -> Object {
    Object { id: 0, kind, name: name.into(), mark: String::new(), limits, began: 0 }
}
