//! Events as the API shows them.

use common::id::{OperationId, TenantId};
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::store::events::Event;

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView<'a> {
    /// Rises from event to event, with gaps. Whoever has seen it has been told everything before it.
    id: i64,
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    /// A family (`operation`, `step`, `tenant`, `schedule`, `dead_letter`) and what happened.
    #[schema(example = "operation.succeeded")]
    kind: &'a str,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    #[schema(value_type = Option<String>)]
    operation_id: Option<OperationId>,
    #[schema(value_type = Object)]
    data: &'a Value,
}

impl<'a> From<&'a Event> for EventView<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: &event.kind,
            tenant_id: event.tenant_id,
            operation_id: event.operation_id,
            data: &event.data,
        }
    }
}

/// Why a stream begins anew instead of where it was asked to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResetOfEvents)]
pub struct ResetView {
    #[schema(example = "unknown_event")]
    pub reason: &'static str,
}

/// Why a stream ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EndOfEvents)]
pub struct EndView {
    #[schema(example = "operation_ended")]
    pub reason: &'static str,
}
