//! What every request goes through, whatever it asks for.

pub mod body;
pub mod compressed;
pub mod cors;
pub mod cursor;
pub mod fields;
mod header_timeout;
mod headers;
mod json;
mod named;
pub mod observe;
pub mod one_of;
pub mod postponed;
pub mod precompressed;
pub mod query;
pub mod request;
pub mod server;
pub mod switch;
pub mod whole;
