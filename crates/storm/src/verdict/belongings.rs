//! What a tenant must have, and what it has.

use std::collections::{BTreeMap, BTreeSet};

use common::{id::TenantId, tenant::TenantStatus};

use super::{Verdict, history::Life};
use crate::{
    asked::Size,
    record::Tenant,
    world::{Kind, Limits, Object},
};

/// A kind, and the name where there may be several.
type Thing = (Kind, String);

impl Verdict {
    /// Compares a tenant's row, its world and its routes with how it must be.
    pub(super) fn belongings(&mut self, id: TenantId, life: Life, tenant: &Tenant, objects: &[Object]) {
        let (wanted, rows) = (things(id, life), instances(id, life));
        let mut there = BTreeSet::new();
        for object in objects {
            let thing = thing(object);
            if !wanted.contains(&thing) {
                self.strays.push(format!("{id} should not have {thing:?}: it is {}", life.status));
            }
            if !there.insert(thing.clone()) {
                self.duplicated.push(format!("{id} has {thing:?} twice"));
            }
            // A worker of a release before the verbs does not say what it gave.
            if object.limits.is_some_and(|given| given != limits(life.size)) {
                self.wrong
                    .push(format!("{id}: {} has {:?}, not {:?}", object.name, object.limits, life.size));
            }
        }
        self.strays.extend(wanted.difference(&there).map(|missing| format!("{id} lacks {missing:?}")));
        let routes = routes(life.status);
        if tenant.routes != routes {
            self.strays.push(format!("{id} has the routes {:?}, not {routes:?}", tenant.routes));
        }
        if tenant.containers != rows {
            self.wrong.push(format!("{id} has the instances {:?}, not {rows:?}", tenant.containers));
        }
        if tenant.size != life.size {
            self.wrong.push(format!("{id} is on record with {:?}, not {:?}", tenant.size, life.size));
        }
    }
}

/// The names of a living tenant's containers.
pub fn containers(tenant: TenantId, size: Size) -> impl Iterator<Item = String> {
    let digits = tenant.digits();
    let workers = (1..=size.workers).map(|number| format!("worker-{number}"));
    std::iter::once("main".to_owned()).chain(workers).map(move |place| format!("rp9-{digits}-blue-{place}"))
}

fn thing(object: &Object) -> Thing {
    let name = match object.kind {
        Kind::Container => object.name.clone(),
        Kind::Volume => object.name.trim_end_matches(".secrets").to_owned(),
        Kind::Role | Kind::Database | Kind::Owner | Kind::Key | Kind::Queue | Kind::Network | Kind::Job => {
            String::new()
        }
    };
    (object.kind, name)
}

/// What it has, each once. One that rests keeps everything that is not a container's.
fn things(tenant: TenantId, life: Life) -> BTreeSet<Thing> {
    let single = [Kind::Role, Kind::Database, Kind::Owner, Kind::Key, Kind::Queue, Kind::Network];
    let single = single.into_iter().map(|kind| (kind, String::new()));
    let each = |kind: Kind| containers(tenant, life.size).map(move |name| (kind, name));
    match life.status {
        TenantStatus::Active => single.chain(each(Kind::Container)).chain(each(Kind::Volume)).collect(),
        TenantStatus::Suspended => single.collect(),
        TenantStatus::Provisioning
        | TenantStatus::Migrating
        | TenantStatus::Failed
        | TenantStatus::Deleting
        | TenantStatus::Deleted => BTreeSet::new(),
    }
}

/// The rows that say what should run. One that rests has them for when it is back, and one that failed may have some.
fn instances(tenant: TenantId, life: Life) -> BTreeMap<String, Limits> {
    match life.status {
        TenantStatus::Active | TenantStatus::Suspended => {
            containers(tenant, life.size).map(|name| (name, limits(life.size))).collect()
        }
        TenantStatus::Provisioning
        | TenantStatus::Migrating
        | TenantStatus::Failed
        | TenantStatus::Deleting
        | TenantStatus::Deleted => BTreeMap::new(),
    }
}

fn routes(status: TenantStatus) -> Vec<Option<String>> {
    match status {
        TenantStatus::Active => vec![None],
        TenantStatus::Suspended => vec![Some("suspended".into())],
        TenantStatus::Provisioning
        | TenantStatus::Migrating
        | TenantStatus::Failed
        | TenantStatus::Deleting
        | TenantStatus::Deleted => Vec::new(),
    }
}

fn limits(size: Size) -> Limits {
    Limits { cpu_millis: size.cpu_millis, memory_mb: size.memory_mb }
}
