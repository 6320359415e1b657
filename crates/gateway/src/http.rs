//! What every request goes through, whatever it asks for.

pub mod body;
pub mod compressed;
pub mod cors;
pub mod cursor;
pub mod fields;
mod headers;
mod json;
mod named;
pub mod observe;
pub mod packed;
mod patient;
pub mod postponed;
mod prompt;
pub mod query;
pub mod server;
