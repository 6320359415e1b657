//! JSON, read so that it means one thing to whoever reads it next.
//!
//! A name that is there twice is refused: some readers take the first, some the last. So is a number that comes back changed from
//! readers whose numbers are doubles (RFC 7493 §2), which is most of them, the record's clients among them.

use std::{cell::RefCell, collections::BTreeSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::problem::{FieldError, Pointer};

/// The greatest whole number that every reader keeps digit by digit: 2^53 - 1.
const MAX_WHOLE: u64 = (1 << 53) - 1;
/// A pointer can be as long as the body, so that telling everything would be an answer of many megabytes.
const MOST_TOLD: usize = 16;

/// The value, and the first of those places in it that cannot be taken.
pub fn read(text: &[u8]) -> Result<(Value, Vec<FieldError>), serde_json::Error> {
    let faults = RefCell::default();
    // The parser's own limit of 128 levels keeps deep nesting from exhausting the stack.
    let mut parser = serde_json::Deserializer::from_slice(text);
    let value = Place { step: None, faults: &faults }.deserialize(&mut parser)?;
    parser.end()?;
    Ok((value, faults.into_inner()))
}

/// Where the reader is. Pointers are made for faults only.
#[derive(Clone, Copy)]
struct Place<'a> {
    step: Option<Step<'a>>,
    faults: &'a RefCell<Vec<FieldError>>,
}

#[derive(Clone, Copy)]
struct Step<'a> {
    parent: &'a Place<'a>,
    name: &'a dyn fmt::Display,
}

impl Place<'_> {
    fn inside<'a>(&'a self, name: &'a dyn fmt::Display) -> Place<'a> {
        Place { step: Some(Step { parent: self, name }), faults: self.faults }
    }

    fn pointer(&self) -> Pointer {
        self.step.map_or_else(Pointer::root, |step| step.parent.pointer().then(step.name))
    }

    fn refuse(&self, code: &'static str, detail: &str) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < MOST_TOLD {
            faults.push(FieldError::new(self.pointer(), code, detail));
        }
    }

    fn number(&self, number: impl Into<Value>, whole: bool) -> Value {
        if !whole {
            self.refuse(
                "number_too_large",
                "must be at most 2^53 - 1 either way; send longer numbers as texts",
            );
        }
        number.into()
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(self.number(number, number <= MAX_WHOLE))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(self.number(number, number.unsigned_abs() <= MAX_WHOLE))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(self.number(number, number.abs() <= MAX_WHOLE as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self.inside(&array.len()))? {
            array.push(element);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let (mut object, mut repeated) = (Map::new(), BTreeSet::new());
        while let Some(name) = fields.next_key::<String>()? {
            let place = self.inside(&name);
            let value = fields.next_value_seed(place)?;
            if object.contains_key(&name) && !repeated.contains(&name) {
                place.refuse("given_twice", "may be given once");
                repeated.insert(name.clone());
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(text: &str) -> Vec<(String, String)> {
        let errors = serde_json::to_value(read(text.as_bytes()).unwrap().1).unwrap();
        let word = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
        errors.as_array().unwrap().iter().map(|e| (word(e, "pointer"), word(e, "code"))).collect()
    }

    #[test]
    fn what_means_one_thing_is_read_as_it_is() {
        let text =
            r#" {"a": [1, -2, 0.5, "x", null, true, {"b": {}}], "": "\u0000", "max": -9007199254740991} "#;
        let (value, faults) = read(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(faults, []);
    }

    #[test]
    fn a_name_given_twice_is_told_at_any_depth_and_once() {
        let cases = [
            (r#"{"plan":"starter","plan":"enterprise"}"#, "/plan"),
            (r#"{"plan":1,"pl\u0061n":1,"plan":1}"#, "/plan"),
            (r#"{"metadata":{"a":[0,{"b/c":1,"b/c":1}]}}"#, "/metadata/a/1/b~1c"),
            (r#"{"":{"":null,"":null}}"#, "//"),
        ];
        for (text, pointer) in cases {
            assert_eq!(told(text), [(pointer.to_owned(), "given_twice".to_owned())], "{text}");
        }
    }

    #[test]
    fn numbers_that_doubles_cannot_keep_are_told_however_they_are_spelled() {
        for number in
            ["9007199254740993", "-9007199254740992", "123456789012345678901", "9007199254740993.0", "1e308"]
        {
            let text = format!(r#"{{"metadata":{{"id":[{number}]}}}}"#);
            assert_eq!(told(&text), [("/metadata/id/0".to_owned(), "number_too_large".to_owned())], "{text}");
        }
        assert!(told("[9007199254740991, 1e-300, 4.5e15]").is_empty());
    }

    #[test]
    fn what_is_told_stays_small_however_much_is_wrong() {
        let many: String = (0..2_000).map(|n| format!(r#""{n}":1,"{n}":1,"#)).collect();
        assert_eq!(told(&format!(r#"{{{many}"x":0}}"#)).len(), MOST_TOLD);
    }

    #[test]
    fn it_is_the_same_language_as_the_parsers() {
        for text in ["{", "{} {}", "[1,]", "1e999", "nul", "\u{feff}{}", &"[".repeat(200)] {
            assert!(read(text.as_bytes()).is_err(), "{text:.20}");
        }
        assert_eq!(read(b"7").unwrap().0, json!(7));
    }
}
