//! What PostgreSQL stores instead of a password, made here so that no password travels in a statement (RFC 5802, 7677).

use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret as _, SecretString};

use super::DatabaseError;

/// The verifier of this password, with a salt of its own.
pub(super) fn verifier(password: &SecretString) -> Result<String, DatabaseError> {
    let password = password.expose_secret();
    // Clients normalise other characters first (SASLprep), and not all alike.
    let plain = !password.is_empty() && password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain { Ok(scram_sha_256(password.as_bytes())) } else { Err(DatabaseError::Password) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_verifiers_of_one_password_differ() {
        let password = SecretString::from("secret");
        assert_ne!(verifier(&password).unwrap(), verifier(&password).unwrap());
    }

    #[test]
    fn what_clients_read_differently_is_refused() {
        for password in ["", "pässword", "line\nbreak", "nul\0"] {
            assert!(
                matches!(verifier(&password.to_owned().into()), Err(DatabaseError::Password)),
                "{password:?}"
            );
        }
    }
}
