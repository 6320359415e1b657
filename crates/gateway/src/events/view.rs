//! What a stream says of itself.

use serde::Serialize;
use utoipa::ToSchema;

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
