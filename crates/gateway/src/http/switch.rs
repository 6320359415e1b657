//! What is asked for or not, in queries.

use serde_json::{Value, json};

use super::fields::{Fault, Text};

/// `true` or `false`, spelled out.
#[derive(Debug, Clone, Copy)]
pub struct Switch(pub bool);

impl Text for Switch {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map(Self).map_err(|_| Fault::new("not_a_boolean", "must be true or false"))
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}
