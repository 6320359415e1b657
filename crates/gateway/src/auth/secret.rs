//! Secrets that requests are checked with.

use common::config::Env;
use secrecy::{ExposeSecret, SecretString};

/// RFC 7518 §3.2: a key for HMAC-SHA256 is at least as long as the hash.
pub const MIN_BYTES: usize = 32;

/// Passes a secret on if it is long enough to be one.
pub fn strong(env: &mut Env, name: &str, secret: SecretString) -> Option<SecretString> {
    if secret.expose_secret().len() < MIN_BYTES {
        return env.problem(format!("{name} must be at least {MIN_BYTES} bytes long"));
    }
    Some(secret)
}
