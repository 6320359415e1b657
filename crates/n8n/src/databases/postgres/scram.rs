//! What PostgreSQL stores instead of a password, made here so that no password travels in a statement (RFC 5802, 7677).

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::DatabaseError;
use crate::account::random;

/// PostgreSQL's own number. Our passwords are random and long: more rounds would only cost each login.
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// The verifier of this password, with a salt of its own.
pub(super) fn verifier(password: &SecretString) -> Result<String, DatabaseError> {
    let salt = random::<16>().map_err(|_| DatabaseError::Randomness)?;
    let password = password.expose_secret();
    // Clients normalise other characters first (SASLprep), and not all alike.
    let plain = !password.is_empty() && password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain { Ok(salted(password, &salt)) } else { Err(DatabaseError::Password) }
}

fn salted(password: &str, salt: &[u8]) -> String {
    let mut secret = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, password.as_bytes(), &mut secret);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    let [salt, stored, server] = [salt, stored.as_ref(), server.as_ref()].map(|bytes| STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7677_comes_out() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let expected = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                        WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(salted("pencil", &salt), expected);
    }

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
