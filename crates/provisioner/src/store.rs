//! The rows the provisioner reads and writes, each query named by its question.

pub mod clusters;
pub mod drift;
pub mod instances;
pub mod intake;
pub mod secrets;
pub mod subnets;
pub mod tenants;
