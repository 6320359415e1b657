//! A version of n8n as a value.

use std::fmt;

/// A released version of n8n; later releases compare greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// A text that is not `major.minor.patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an n8n version such as 2.41.1")]
pub struct VersionError;

impl Version {
    /// This release.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }
}

impl std::str::FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut parts = text.split('.').map(|part| {
            // One spelling per version: `u32` would also read `+2` and `02`.
            let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            part.parse().ok().filter(|_| plain).ok_or(VersionError)
        });
        let mut next = || parts.next().unwrap_or(Err(VersionError));
        let version = Self::new(next()?, next()?, next()?);
        if parts.next().is_some() { Err(VersionError) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_releases_compare_greater() {
        let [a, b, c] = ["2.9.10", "2.40.7", "2.41.1"].map(|text| text.parse::<Version>().unwrap());
        assert!(a < b && b < c);
        assert_eq!(c.to_string(), "2.41.1");
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for text in ["", "2", "2.41", "2.41.1.0", "2.41.x", "latest", "02.41.1", "+2.41.1", "2.41.1 ", "2..1"]
        {
            assert_eq!(text.parse::<Version>(), Err(VersionError), "{text:?}");
        }
    }
}
