//! Words of closed sets that mean nothing more to us than themselves.

use std::{fmt, marker::PhantomData};

use serde_json::{Value, json};

use super::fields::{Fault, Text};
use crate::vocabulary::Words;

/// One of them.
pub struct OneOf<W>(String, PhantomData<fn() -> W>);

impl<W> OneOf<W> {
    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<W> fmt::Debug for OneOf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<W: Words> Text for OneOf<W> {
    fn parse(text: &str) -> Result<Self, Fault> {
        let words = W::words();
        if words.iter().any(|word| word == text) {
            return Ok(Self(text.to_owned(), PhantomData));
        }
        Err(Fault::new(W::UNKNOWN, format!("must be one of: {}", words.join(", "))))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": W::words() })
    }
}
