//! Reading an object field by field, gathering everything that is wrong with it.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::json;
use crate::problem::{Code, FieldError, Pointer, Problem};

/// Why a value is refused: a stable word, and words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where inside the field, if it is not the field itself.
    pub steps: Vec<String>,
    pub code: &'static str,
    pub detail: String,
}

impl Fault {
    /// A refusal of the whole field.
    pub fn new(code: &'static str, detail: impl Display) -> Self {
        Self { steps: Vec::new(), code, detail: detail.to_string() }
    }

    /// A refusal of something inside the field.
    #[must_use]
    pub fn inside(mut self, step: impl Display) -> Self {
        self.steps.push(step.to_string());
        self
    }
}

/// An object that is being read, and the errors met so far.
#[derive(Debug)]
pub struct Fields {
    rest: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// An object, and what is known to be wrong with it.
    pub fn new(rest: Map<String, Value>, errors: Vec<FieldError>) -> Self {
        Self { rest, errors }
    }

    /// The object in a body. An empty body is an empty object.
    pub fn of_body(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::new(Map::new(), Vec::new()));
        }
        let (value, errors) = json::read(body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Problem::new(Code::InvalidJson).detail(format!("The body is not JSON ({place})."))
        })?;
        let Value::Object(rest) = value else {
            let error = FieldError::new(Pointer::root(), "not_an_object", "must be an object");
            return Err(Problem::fields(vec![error]));
        };
        Ok(Self::new(rest, errors))
    }

    /// A text that must be there.
    pub fn required<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        match self.optional(name, parse)? {
            Some(value) => Some(value),
            None => self.fault(name, Fault::new("required", "is required")),
        }
    }

    /// A text that need not be there. `null` is the same as nothing.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        self.value(name, |value| match value.as_str() {
            Some(text) => parse(text),
            None => Err(Fault::new("not_a_text", "must be a text")),
        })
    }

    /// A value of any type that need not be there.
    pub fn value<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        match self.rest.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => match parse(value) {
                Ok(value) => Some(Some(value)),
                Err(fault) => self.fault(name, fault),
            },
        }
    }

    /// Refuses a field for what only the reader knows.
    pub fn fault<T>(&mut self, name: &str, fault: Fault) -> Option<T> {
        let pointer = fault.steps.into_iter().fold(Pointer::to(name), Pointer::then);
        self.errors.push(FieldError::new(pointer, fault.code, fault.detail));
        None
    }

    /// Ends the reading: what was not asked for is refused, and so is everything if anything was.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown = self.rest.keys();
        let unknown = unknown.map(|name| {
            FieldError::new(Pointer::to(name), "unknown_field", "is not a field of this request")
        });
        self.errors.extend(unknown);
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(text: &str) -> Result<String, Fault> {
        Ok(text.to_owned())
    }

    fn told(problem: &Problem) -> Vec<(String, String)> {
        let document = serde_json::to_value(problem.errors()).unwrap();
        let word = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
        document.as_array().unwrap().iter().map(|e| (word(e, "pointer"), word(e, "code"))).collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let body = json!({ "name": 7, "region": null, "a/b": 1 }).to_string();
        let mut fields = Fields::of_body(body.as_bytes()).unwrap();
        assert_eq!(fields.required("name", text), None);
        assert_eq!(fields.required("email", text), None);
        assert_eq!(fields.optional("region", text), Some(None));
        let told = told(&fields.finish().unwrap_err());
        let expected = [("/name", "not_a_text"), ("/email", "required"), ("/a~1b", "unknown_field")];
        assert_eq!(told, expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
    }

    #[test]
    fn what_is_no_object_is_refused_whatever_it_is() {
        let deep = "[".repeat(1_000);
        for (body, code) in [
            ("[]", Code::InvalidFields),
            ("7", Code::InvalidFields),
            ("{", Code::InvalidJson),
            ("{} {}", Code::InvalidJson),
            ("{\"a\": 1e999}", Code::InvalidJson),
            (&deep, Code::InvalidJson),
            ("\u{feff}{}", Code::InvalidJson),
        ] {
            assert_eq!(Fields::of_body(body.as_bytes()).unwrap_err().code(), code, "{body:.20}");
        }
        assert_eq!(Fields::of_body(b"{\"a\": \"\xff\"}").unwrap_err().code(), Code::InvalidJson);
    }
}
