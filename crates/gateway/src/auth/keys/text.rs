//! A key as its holder has it: `rp9_`, its id, `_`, its secret.

use common::{
    id::KeyId,
    secrets::{SecretError, random_bytes},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every key begins with, and no JSON Web Token.
const BEGINNING: &str = "rp9_";
const ID_DIGITS: usize = 32;
const SECRET_DIGITS: usize = 64;

/// The whole text of a key. Nothing shows it but [`KeyText::expose`].
pub struct KeyText {
    id: KeyId,
    text: String,
}

impl KeyText {
    /// A new one, with 256 bits that nobody knows.
    pub fn make() -> Result<Self, SecretError> {
        let id = KeyId::generate();
        let text = format!("{BEGINNING}{}_{}", id.digits(), hex::encode(random_bytes()?));
        Ok(Self { id, text })
    }

    /// Reads one. There is one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(BEGINNING)?.split_once('_')?;
        let small_hex = |digits: &str, count| {
            digits.len() == count && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let well_formed = small_hex(id, ID_DIGITS) && small_hex(secret, SECRET_DIGITS);
        let id = well_formed.then(|| uuid::Uuid::try_parse(id).ok()).flatten()?;
        Some(Self { id: KeyId::from_uuid(id), text: text.to_owned() })
    }

    /// Whether a bearer's text is meant as a key.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(BEGINNING)
    }

    /// Which key it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }

    /// Whether that was kept of it. Takes the same time whatever the answer.
    pub fn has_hash(&self, kept: &[u8; 32]) -> bool {
        self.hash().ct_eq(kept).into()
    }

    /// The text, for whom it is made.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_itself_and_has_one_spelling() {
        let key = KeyText::make().unwrap();
        let read = KeyText::parse(key.expose()).unwrap();
        assert!(read.id() == key.id() && read.has_hash(&key.hash()) && !read.has_hash(&[0; 32]));
        let text = key.expose();
        let other = text.replace("rp9_", "RP9_");
        let (cut, long, capital) = (&text[..100], format!("{text}0"), text.to_uppercase());
        for bad in
            ["", "rp9_", "rp9__", cut, &long, &capital, &other, &format!(" {text}"), &text.replace('_', "-")]
        {
            assert!(KeyText::parse(bad).is_none(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "rp9_[0-9a-f]{30,34}_[0-9a-fA-F]{62,66}|\\PC{0,120}") {
            if let Some(key) = KeyText::parse(&text) {
                proptest::prop_assert_eq!(key.expose(), text);
            }
        }
    }
}
