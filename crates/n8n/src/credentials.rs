//! What n8n has encrypted with its own key, and whether it opens.
//!
//! The form is OpenSSL's of old: `Salted__`, eight bytes of salt, AES-256 in CBC mode with PKCS#7 padding; key and vector by `EVP_BytesToKey` with one
//! round of MD5. It was measured, and n8n has written it since its first release.

use std::fmt;

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, AES_CBC_IV_LEN, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};

use crate::account::random;

const MAGIC: &[u8] = b"Salted__";
const SALT: usize = 8;

/// One of somebody's credentials, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub id: String,
    /// What they call it.
    pub name: String,
    /// In base64.
    pub data: String,
}

/// Without what is encrypted, which is nobody's to read in a log either.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Credential {
    /// Whether this key of n8n's opens it, and JSON is in it. What that says goes nowhere.
    pub fn opens_with(&self, key: &SecretString) -> bool {
        opened(&self.data, key)
            .is_some_and(|plain| serde_json::from_slice::<serde::de::IgnoredAny>(&plain).is_ok())
    }
}

/// What one key has encrypted, encrypted with another. `None`: it does not open. What it says goes nowhere.
pub(crate) fn resealed(data: &str, from: &SecretString, to: &SecretString) -> Option<String> {
    sealed(opened(data, from)?, to)
}

fn sealed(mut text: Vec<u8>, key: &SecretString) -> Option<String> {
    let salt: [u8; SALT] = random().ok()?;
    let (key, vector) = derived(key, &salt)?;
    let key = UnboundCipherKey::new(&AES_256, &key).ok()?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    // The form has no room for a vector: it follows from the salt, which is drawn anew each time.
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(vector.into())).ok()?;
    Some(STANDARD.encode([MAGIC, &salt, &text].concat()))
}

fn opened(data: &str, key: &SecretString) -> Option<Vec<u8>> {
    let sealed = STANDARD.decode(data.trim()).ok()?;
    let (salt, text) = sealed.strip_prefix(MAGIC)?.split_at_checked(SALT)?;
    let (key, vector) = derived(key, salt)?;
    let key = UnboundCipherKey::new(&AES_256, &key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut text = text.to_vec();
    let plain = key.decrypt(&mut text, DecryptionContext::Iv128(vector.into())).ok()?;
    Some(plain.to_vec())
}

/// `EVP_BytesToKey`: each digest is over the one before, the passphrase and the salt.
fn derived(key: &SecretString, salt: &[u8]) -> Option<([u8; AES_256_KEY_LEN], [u8; AES_CBC_IV_LEN])> {
    let (mut bytes, mut last) = (Vec::new(), Vec::new());
    while bytes.len() < AES_256_KEY_LEN + AES_CBC_IV_LEN {
        let digest = Md5::new().chain_update(&last).chain_update(key.expose_secret()).chain_update(salt);
        last = digest.finalize().to_vec();
        bytes.extend_from_slice(&last);
    }
    let (key, vector) = bytes.split_at_checked(AES_256_KEY_LEN)?;
    Some((key.try_into().ok()?, vector.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf %s '{"user":"ada","password":"hunter2"}' | openssl enc -aes-256-cbc -md md5 -S 0102030405060708 -pass pass:n8n-key -base64 -A`, with
    /// `Salted__` and the salt before it, which OpenSSL 3 leaves out where a salt is given.
    const SEALED: &str =
        "U2FsdGVkX18BAgMEBQYHCB5epgYUfHe2ytoA4lPA0XDWiCqrGtNQOmuxQgOQJEMaiu8rhlLQmUA+hgBmDfoPGg==";

    fn credential(data: &str) -> Credential {
        Credential { id: "c1".into(), name: "A mail server".into(), data: data.into() }
    }

    #[test]
    fn what_openssl_has_sealed_opens_with_its_key_alone() {
        let sealed = credential(SEALED);
        assert_eq!(opened(SEALED, &"n8n-key".into()).unwrap(), br#"{"user":"ada","password":"hunter2"}"#);
        assert!(sealed.opens_with(&"n8n-key".into()));
        assert!(!sealed.opens_with(&"another".into()));
        assert!(!format!("{sealed:?}").contains(SEALED));
    }

    #[test]
    fn what_is_sealed_anew_opens_with_the_new_key_alone_and_never_looks_the_same() {
        let [from, to] = ["n8n-key", "another"].map(SecretString::from);
        let [one, other] = [(); 2].map(|()| resealed(SEALED, &from, &to).unwrap());
        assert_ne!(one, other);
        assert_eq!(opened(&one, &to), opened(SEALED, &from));
        assert!(!credential(&one).opens_with(&from));
        assert_eq!(resealed(SEALED, &to, &from), None);
        for length in [0, 1, 15, 16, 17, 100_000] {
            let text = vec![b'x'; length];
            assert_eq!(opened(&sealed(text.clone(), &to).unwrap(), &to).unwrap(), text);
        }
    }

    #[test]
    fn what_is_damaged_or_nothing_of_the_kind_does_not_open() {
        let mut damaged = STANDARD.decode(SEALED).unwrap();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        let short = STANDARD.encode(b"Salted__12345678");
        for data in ["", "no base64!", "U2FsdGVk", &short, &STANDARD.encode(damaged), &SEALED[..24]] {
            assert!(!credential(data).opens_with(&"n8n-key".into()), "{data}");
        }
    }
}
