//! The rows the provisioner reads and writes, each query named by its question.

pub mod callers;
pub mod clusters;
pub mod domains;
pub mod drift;
pub mod drills;
pub mod expected;
pub mod external;
pub mod failovers;
pub mod homes;
pub mod identity;
pub mod instances;
pub mod intake;
pub mod master_keys;
pub mod notes;
pub mod promotions;
pub mod rebuilds;
pub mod removals;
pub mod restores;
pub mod rests;
pub mod rollouts;
pub mod sandboxes;
pub mod secrets;
pub mod sizes;
pub mod subnets;
pub mod tenants;
pub mod troubles;
