//! The API as its callers meet it: the real router over a real database. Run with `deploy/test`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be set up fails its test"
)]

mod audit;
mod authority;
mod backups;
mod blue_green;
mod bodies;
mod compressed;
mod cors;
mod crashes;
mod dead_letters;
mod docs;
mod domains;
mod drills;
mod edge;
mod events;
mod external_n8n;
mod extract;
mod failover;
mod gauges;
mod health;
mod held;
mod held_at_size;
mod idempotency;
mod in_place;
mod initial_login;
mod keys;
mod log;
mod logs;
mod offer;
mod openapi;
mod operations;
mod outside;
mod placing;
mod pressure;
mod promote;
mod rates;
mod read_only;
mod refusals;
mod reset_login;
mod rollback;
mod rollouts;
mod room;
mod rotation;
mod row_level_security;
mod sandboxes;
mod schedules;
mod search;
mod shared_instances;
mod signatures;
mod sockets;
mod starting;
mod stopping;
mod support;
mod tenant_health;
mod tenants;
mod updates;
mod upgrade;
mod usage;
mod verbs;
mod wake_up;
