#![doc = include_str!("../README.md")]

pub mod document;
#[cfg(feature = "fake")]
pub mod fake;
pub mod host;
pub mod probe;
pub mod route;
pub mod routes;

pub use document::{Entrypoints, document};
pub use host::Host;
pub use probe::{Edge, EdgeError, HttpEdge};
pub use route::{Mark, Route, Target, TargetUrl};
