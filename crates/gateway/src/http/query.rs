//! Reading a query: each parameter once, and none that nobody asked for.

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::problem::{FieldError, Pointer};

/// The query as an object of texts, to be read like a body. A parameter without a value is the same as none.
pub fn read(query: Option<&str>) -> Fields {
    let mut object = Map::new();
    let mut errors = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = if value.is_empty() { Value::Null } else { Value::String(value.into_owned()) };
        if object.insert(name.clone().into_owned(), value).is_some() {
            errors.push(FieldError::new(Pointer::to(&name), "given_twice", "may be given once"));
        }
    }
    Fields::new(object, errors)
}
