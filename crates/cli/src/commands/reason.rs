//! Why something is done, for those who read the audit log.

use clap::Args;
use serde::Serialize;

/// Where somebody has to say.
#[derive(Debug, Args, Serialize)]
pub struct Reason {
    /// Why, for those who read the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Where nobody has to.
#[derive(Debug, Args, Serialize)]
pub struct OptionalReason {
    /// Why, for those who read the audit log
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}
