#![doc = include_str!("../README.md")]

pub mod calls;
mod certificate;
pub mod document;
mod external;
#[cfg(feature = "fake")]
pub mod fake;
pub mod guard;
pub mod health;
pub mod held;
mod inner;
pub mod probe;
pub mod route;
pub mod routes;
mod snapshot;
mod token;
mod workspace;

pub use certificate::{Certificate, Tls};
pub use common::host::Host;
pub use document::{Settings, document};
pub use external::{ExternalUrl, ExternalUrlError};
pub use inner::{Inner, InnerError};
pub use probe::{Edge, EdgeError, HttpEdge};
pub use route::{Answerer, Mark, Route, StandIn, Target, TargetUrl};
pub use snapshot::Snapshot;
pub use token::EdgeToken;
pub use workspace::{Address, AddressError, Formerly, Prefix, PrefixError, Workspace};
