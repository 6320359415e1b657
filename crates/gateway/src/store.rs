//! Every statement against the record, each named by the question it answers.

pub mod accept;
pub mod answers;
pub mod audit;
pub mod backups;
pub mod clusters;
pub mod dead_letters;
pub mod drills;
pub mod events;
pub mod expired;
pub mod external;
pub mod health;
pub mod history;
pub mod keys;
pub mod operations;
pub mod plans;
pub mod reader;
pub mod restorable;
pub mod room;
pub mod samples;
pub mod sandboxes;
pub mod schedules;
pub mod shared_instances;
pub mod steer;
pub mod tenants;
pub mod usage;
pub mod word;
