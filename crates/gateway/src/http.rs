//! What every request goes through, whatever it asks for.

pub mod body;
pub mod cursor;
pub mod fields;
pub mod observe;
mod patient;
pub mod query;
mod refused;
pub mod server;
