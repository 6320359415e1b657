//! What services are told when they are started for tests and measurements.

use crate::portal::{HMAC_SECRET, JWT_SECRET};

/// Any 32 bytes.
const MASTER_KEY: &str = "bWFzdGVyLWtleS1vZi1hLW1hZGUtdXAtcG9ydGFsISE=";
const N8N_VERSION: &str = "2.41.1";

/// What the edge shows to a gateway.
pub const EDGE_TOKEN: &str = "made-up";

/// Where tenants are reached, by whatever is told so.
const PUBLIC_ADDRESS: [(&str, &str); 3] =
    [("TENANT_DOMAIN", "localhost"), ("PUBLIC_SCHEME", "http"), ("PUBLIC_PORT", "8000")];

/// A gateway whose API is on this port of 127.0.0.1, and whose edge's port is the next one.
pub fn gateway(api_port: u16) -> Vec<(String, String)> {
    let bind = |port: u16| format!("127.0.0.1:{port}");
    let pairs = [
        ("API_BIND", bind(api_port)),
        ("EDGE_BIND", bind(api_port + 1)),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        ("HMAC_SECRET", HMAC_SECRET.to_owned()),
        ("EDGE_TOKEN", EDGE_TOKEN.to_owned()),
        ("N8N_VERSION", N8N_VERSION.to_owned()),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value)).into_iter();
    pairs.chain(PUBLIC_ADDRESS.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The provisioner's site on a cluster of this name.
pub fn site(cluster: &str) -> Vec<(String, String)> {
    let pairs = [
        ("CLUSTER_ID", cluster),
        // Wide enough for every tenant that a run makes.
        ("TENANT_SUBNETS", "10.0.0.0/8"),
        ("MASTER_KEY", MASTER_KEY),
    ];
    pairs.into_iter().chain(PUBLIC_ADDRESS).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
