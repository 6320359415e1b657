//! The cells' names, as the report shows them.

pub const REFUSE: &str = "`POST /tenants` refused for a field, 16 connections";
pub const PEER_REFUSE: &str = "Fastify, refused for a field, 16 connections";
pub const REPEAT: &str = "`POST /tenants` repeated under its key, 16 connections";
pub const SHOW_OWN: &str = "`GET /tenants/{id}` by its owner, 16 connections";
pub const PEER_SHOW_OWN: &str = "Fastify, by its owner, 16 connections";
pub const MIX: &str = "the gateway";
pub const PEER_MIX: &str = "Fastify";
pub const FOLLOW: &str = "clients of events";
pub const HELD: &str = "calls held";
pub const SURVIVE: &str = "ticks of two replicas";

pub fn create(clients: usize) -> String {
    format!("`POST /tenants`, {clients} connections")
}

pub fn peer_create(clients: usize) -> String {
    format!("Fastify, one transaction, {clients} connections")
}

pub fn create_in_sql(clients: usize) -> String {
    format!("pgbench, the same rows, {clients} clients")
}

pub fn show(clients: usize) -> String {
    format!("`GET /tenants/{{id}}`, {clients} connections")
}

pub fn begin(rate: u32, effects: bool) -> String {
    format!("{rate}/s, {}", if effects { "the real sagas on fakes" } else { "nine steps without effects" })
}

pub fn ticks(tenants: u32) -> String {
    format!("ticks over {tenants} tenants")
}
