//! The way in by which the platform itself works in the n8ns that tenants share. It is below an id, not on a host: whoever knows a host is a caller.

use common::id::TenantId;
use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::inner::path_of;

/// Which calls are for the API of this n8n. Tenants' containers reach the edge in their own networks, by any of its ports. Their addresses are of
/// IP 4, but any interface may have one of its link in IP 6, which is in no network that is known: only IP 4 is answered at all.
pub(super) fn api_of(instance: TenantId, tenants: Ipv4Net) -> String {
    let path = path_of(instance);
    format!("PathPrefix(`{path}/api/v1/`) && ClientIP(`0.0.0.0/0`) && !ClientIP(`{tenants}`)")
}

/// Takes the id away.
pub(super) fn strip(instance: TenantId) -> Value {
    json!({ "stripPrefix": { "prefixes": [path_of(instance)] } })
}
