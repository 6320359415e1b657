//! What was ordered before, as it is remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Every order that still counts, by the name in the certificate.
pub type Past = BTreeMap<String, Ordered>;

/// What was done about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// When it was ordered last.
    #[serde(with = "time::serde::timestamp")]
    pub at: OffsetDateTime,
    /// How often in a row.
    pub times: u32,
}
