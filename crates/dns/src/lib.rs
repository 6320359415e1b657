#![doc = include_str!("../README.md")]

mod config;
#[cfg(feature = "fake")]
pub mod fake;
mod resolver;

pub use config::NameServers;
pub use resolver::{Dns, Resolver, ResolverError, Unanswered};
