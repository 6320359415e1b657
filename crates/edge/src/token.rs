//! The token by which the edge is known.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What the edge shows wherever it asks for its routes, as `Authorization: Bearer …`.
#[derive(Debug, Clone)]
pub struct EdgeToken(SecretString);

impl From<SecretString> for EdgeToken {
    fn from(token: SecretString) -> Self {
        Self(token)
    }
}

impl EdgeToken {
    /// The value of the header that shows it.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0.expose_secret())
    }

    /// Whether this value of the header shows it.
    pub fn is_shown_by(&self, authorization: &[u8]) -> bool {
        let token = authorization.strip_prefix(b"Bearer ");
        token.is_some_and(|token| same(token, self.0.expose_secret().as_bytes()))
    }
}

/// Compares codes made of both instead of the texts, so that the time taken says nothing about either, their lengths
/// included.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let code = |text: &[u8]| Hmac::<Sha256>::new_from_slice(expected).map(|mac| mac.chain_update(text));
    match (code(given), code(expected)) {
        (Ok(given), Ok(expected)) => given.verify_slice(&expected.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_by_its_own_header_alone() {
        let token = EdgeToken::from(SecretString::from("the-edge"));
        let right = token.authorization();
        assert!(token.is_shown_by(right.as_bytes()));
        for wrong in ["", "the-edge", "Bearer ", "bearer the-edge", "Bearer the-edg", "Bearer the-edge "] {
            assert!(!token.is_shown_by(wrong.as_bytes()), "{wrong:?}");
        }
    }
}
