//! JSON pointers (RFC 6901): where in a document something is.

use std::fmt::{self, Write};

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// A field of the document.
    pub fn to(field: &str) -> Self {
        Self::root().then(field)
    }

    /// One level deeper: a field's name, or an element's index.
    #[must_use]
    pub fn then(mut self, step: impl fmt::Display) -> Self {
        let escaped = step.to_string().replace('~', "~0").replace('/', "~1");
        // Writing to a String does not fail.
        let _ = write!(self.0, "/{escaped}");
        self
    }
}

impl serde::Serialize for Pointer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_tildes_are_escaped() {
        assert_eq!(Pointer::to("a/b~c").then(0).0, "/a~1b~0c/0");
        assert_eq!(Pointer::root().0, "");
    }
}
