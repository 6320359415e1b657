//! Something short, in memory: a key among others.

use std::io::Read as _;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Recipient, SealError, SealKey};

/// Much more than any key, and little enough to be read whole.
const LONGEST: u64 = 64 << 10;

/// Encrypts a short text; it is not compressed.
pub fn seal_text(text: &SecretString, recipient: &Recipient) -> Result<Vec<u8>, SealError> {
    let sealed = age::encrypt(recipient.age(), text.expose_secret().as_bytes());
    sealed.map_err(|error| SealError::Damaged(error.to_string()))
}

/// Opens it.
pub fn open_text(sealed: &[u8], key: &SealKey) -> Result<SecretString, SealError> {
    let mut text = String::new();
    let opened = age::Decryptor::new(sealed)?.decrypt(std::iter::once(key.identity() as _))?;
    let read = opened.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| SealError::Damaged(error.to_string()))?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_with_its_key_and_no_other_and_not_if_a_bit_of_it_is_another() {
        let (key, other) = (SealKey::generate(), SealKey::generate());
        let sealed = seal_text(&"hunter2".into(), &key.recipient()).unwrap();
        assert_eq!(open_text(&sealed, &key).unwrap().expose_secret(), "hunter2");
        assert!(matches!(open_text(&sealed, &other), Err(SealError::Key)));
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(open_text(&flipped, &key).is_err(), "byte {at}");
        }
        assert!(open_text(&sealed[..sealed.len() - 1], &key).is_err());
        assert!(open_text(&[], &key).is_err());
    }
}
