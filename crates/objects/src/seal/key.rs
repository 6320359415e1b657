//! Keys of age's: what seals may be known to everybody, what opens to nobody else.

use std::{fmt, str::FromStr};

use age::x25519;
use secrecy::{ExposeSecret as _, SecretString};

use super::SealError;

/// What opens: `AGE-SECRET-KEY-1…` as text.
#[derive(Clone)]
pub struct SealKey(x25519::Identity);

/// What seals: `age1…` as text.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl SealKey {
    /// A new one, of random bytes.
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads its text.
    pub fn read(text: &SecretString) -> Result<Self, SealError> {
        text.expose_secret().trim().parse().map(Self).map_err(|_| SealError::NoKey)
    }

    /// Its text, as age's own tools read it.
    pub fn text(&self) -> SecretString {
        self.0.to_string().expose_secret().to_owned().into()
    }

    /// What seals for it.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    pub(super) fn identity(&self) -> &x25519::Identity {
        &self.0
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey(of {})", self.recipient())
    }
}

impl Recipient {
    pub(super) fn age(&self) -> &x25519::Recipient {
        &self.0
    }
}

impl FromStr for Recipient {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        text.parse().map(Self).map_err(|_| SealError::NoKey)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_they_are_written_and_are_not_shown() {
        let key = SealKey::generate();
        let again = SealKey::read(&key.text()).unwrap();
        assert_eq!(again.recipient().to_string(), key.recipient().to_string());
        let shown = format!("{key:?}");
        assert!(shown.contains("age1") && !shown.contains("SECRET"), "{shown}");
        assert!(SealKey::read(&"AGE-SECRET-KEY-1".into()).is_err());
        assert!("age1".parse::<Recipient>().is_err());
        assert!(
            key.text().expose_secret().parse::<Recipient>().is_err(),
            "what opens is not taken for what seals"
        );
    }
}
