//! Free JSON: whatever the customer's own systems want to find again.

use serde_json::{Number, Value, json};

use crate::http::fields::{Fault, Field};

const MAX_BYTES: usize = 4 * 1024;

/// An object that Postgres can keep, and that is small there too.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata(Value);

impl Metadata {
    /// The object.
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl<R> Field<R> for Metadata {
    const REQUIRED: bool = false;

    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        if !value.is_object() {
            return Err(Fault::new("not_an_object", "must be an object"));
        }
        if stored_bytes(&value) > MAX_BYTES {
            return Err(Fault::new("too_large", "may be at most 4 kB of JSON, with its numbers written out"));
        }
        if holds_nul(&value) {
            return Err(Fault::new("invalid_characters", "may not hold the character U+0000"));
        }
        Ok(Self(value))
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Ok(Self(json!({})))
    }

    fn schema() -> Value {
        json!({ "type": "object" })
    }
}

/// How long it is as Postgres writes it, or a little more: `jsonb` puts a space after each comma and colon, and makes three hundred
/// digits of the six in `1e-300`.
fn stored_bytes(value: &Value) -> usize {
    let listed = |count: usize| 2 + 2 * count.saturating_sub(1);
    match value {
        Value::Number(number) => digits(number),
        Value::Array(items) => listed(items.len()) + items.iter().map(stored_bytes).sum::<usize>(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| text_bytes(name) + 2 + stored_bytes(value);
            listed(fields.len()) + fields.iter().map(field).sum::<usize>()
        }
        Value::String(text) => text_bytes(text),
        Value::Null | Value::Bool(_) => value.to_string().len(),
    }
}

/// Without an exponent, as Rust writes them too.
fn digits(number: &Number) -> usize {
    let written_out = number.as_f64().map_or(0, |number| number.to_string().len());
    written_out.max(number.to_string().len())
}

/// With its quotes and escapes.
fn text_bytes(text: &str) -> usize {
    Value::from(text).to_string().len()
}

/// Postgres keeps no U+0000 in a text.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_a_small_object_that_postgres_can_keep() {
        let metadata = |value| Metadata::read(value, &());
        assert!(metadata(json!({ "crm": { "id": 7 } })).is_ok());
        assert!(metadata(json!({ "a": "x".repeat(MAX_BYTES - 9) })).is_ok());
        let bad = [
            json!([]),
            json!("x"),
            json!({ "a": "\0" }),
            json!({ "\0": 1 }),
            json!({ "a": "x".repeat(MAX_BYTES - 8) }),
            json!({ "a": vec![1e-300; 14] }),
            json!({ "a": vec![1; MAX_BYTES / 3 + 1] }),
        ];
        for value in bad {
            assert!(metadata(value.clone()).is_err(), "{value:.40}");
        }
    }

    #[test]
    fn it_is_measured_as_postgres_writes_it() {
        let cases = [
            (json!({}), "{}"),
            (json!({ "a": 1, "b": [true, null] }), r#"{"a": 1, "b": [true, null]}"#),
            (json!([1e-7, -2.5, 4e15, 4.0]), "[0.0000001, -2.5, 4000000000000000.0, 4.0]"),
            (json!("a\"\n\u{1}ü"), r#""a\"\n\u0001ü""#),
        ];
        for (value, text) in cases {
            assert_eq!(stored_bytes(&value), text.len(), "{text}");
        }
    }
}
