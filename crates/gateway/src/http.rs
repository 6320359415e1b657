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
pub mod one_of;
pub mod packed;
mod patient;
pub mod postponed;
mod prompt;
pub mod query;
mod refused;
pub mod request;
pub mod server;
