//! Randomness for what nobody may guess.

use aws_lc_rs::rand;

use super::SecretError;

/// 256 bits of randomness.
pub fn random_bytes() -> Result<[u8; 32], SecretError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| SecretError::Refused)?;
    Ok(bytes)
}
