//! Tells the world in whose name each effect is had: operation, tenant and fence travel beside the calls, because the
//! platform's ports know nothing of them.

use std::sync::Arc;

use async_trait::async_trait;
use common::operations::{Claimed, Drive, OperationKind, Paused, Request as _, Store, StoreError};
use provisioner::World;
use tokio_util::sync::CancellationToken;
use wire::kinds::TenantCreate;

use super::cheap_owner::CheapOwner;
use crate::world::Holder;

tokio::task_local! {
    /// For whom this task is acting. An operation is driven within one task from its claim to its pause.
    pub static HOLDER: Holder;
}

type Sagas = Arc<[Box<dyn Drive<World>>]>;

/// The provisioner's sagas, their calls carrying their holder.
pub fn sagas(worker: &str) -> Sagas {
    let all = provisioner::sagas();
    let fenced = (0..all.len()).map(|place| -> Box<dyn Drive<World>> {
        Box::new(Fenced { worker: worker.to_owned(), all: all.clone(), place })
    });
    fenced.collect()
}

struct Fenced {
    worker: String,
    all: Sagas,
    place: usize,
}

impl Fenced {
    fn saga(&self) -> &dyn Drive<World> {
        if self.kind() == TenantCreate::KIND { &CheapOwner } else { self.all[self.place].as_ref() }
    }
}

#[async_trait]
impl Drive<World> for Fenced {
    fn kind(&self) -> &'static OperationKind {
        self.all[self.place].kind()
    }

    async fn drive(
        &self,
        world: &World,
        store: &Store,
        claimed: &Claimed,
        stopping: &CancellationToken,
    ) -> Result<Paused, StoreError> {
        let worker = self.worker.clone();
        let tenant = claimed.subject.tenant().ok_or(StoreError::Unreadable)?;
        let holder = Holder { worker, operation: claimed.id, tenant, fence: claimed.fence };
        HOLDER.scope(holder, self.saga().drive(world, store, claimed, stopping)).await
    }
}
