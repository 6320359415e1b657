//! Waking those who drive operations.

use common::{
    bus::Carried,
    error::chain,
    operations::{Call, Wake},
    service::Service,
};

use crate::OperationQueued;

/// Wakes the workers here, and over the bus those of whichever service a part of an operation, or its parent, is the affair of.
pub fn waking(service: &Service) -> Wake {
    let (bus, tasks) = (service.bus.clone(), service.tasks.clone());
    Wake::default().and_elsewhere(move |call: Call| {
        let Call { service, operation, kind, because_of } = call;
        let (bus, queued) =
            (bus.clone(), OperationQueued { service, operation, kind, because_of: Some(because_of) });
        tasks.spawn_one("wake", async move {
            if let Err(error) = bus.publish(&queued, &Carried::default()).await {
                tracing::debug!(operation_id = %operation, error = chain(&error), "left to the sweeper");
            }
        });
    })
}
