//! Reading an object field by field, gathering everything that is wrong with it.

use std::fmt::Display;

use serde_json::{Map, Value, json};

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

/// What a field of a body or a parameter of a query can say: how it is read, and how the description of the API tells that. `R` is what
/// else has to be known to read it.
pub trait Field<R = ()>: Sized {
    /// Whether requests without it are refused.
    const REQUIRED: bool = true;
    /// Whether `null` is no refusal.
    const NULLABLE: bool = !Self::REQUIRED;

    /// Reads what is there.
    fn read(value: Value, rules: &R) -> Result<Self, Fault>;

    /// What it is when it is not there.
    fn absent(_rules: &R) -> Result<Self, Fault> {
        Err(Fault::new("required", "is required"))
    }

    /// What it is when it is `null`: the same as nothing, unless nothing means that all stays as it is.
    fn null(rules: &R) -> Result<Self, Fault> {
        Self::absent(rules)
    }

    /// What [`Field::read`] takes, as a JSON schema.
    fn schema() -> Value;
}

/// A field that is a text, whatever else is known.
pub trait Text: Sized {
    /// Reads it.
    fn parse(text: &str) -> Result<Self, Fault>;

    /// What [`Text::parse`] takes, as a JSON schema.
    fn schema() -> Value;
}

impl<T: Text, R> Field<R> for T {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        T::parse(text(&value)?)
    }

    fn schema() -> Value {
        <T as Text>::schema()
    }
}

impl<T: Field<R>, R> Field<R> for Option<T> {
    const REQUIRED: bool = false;

    fn read(value: Value, rules: &R) -> Result<Self, Fault> {
        T::read(value, rules).map(Some)
    }

    fn absent(_: &R) -> Result<Self, Fault> {
        Ok(None)
    }

    fn schema() -> Value {
        T::schema()
    }
}

impl<R> Field<R> for bool {
    fn read(value: Value, _: &R) -> Result<Self, Fault> {
        value.as_bool().ok_or_else(|| Fault::new("not_a_boolean", "must be true or false"))
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// The text that a value is.
pub fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| Fault::new("not_a_text", "must be a text"))
}

/// Declares texts that nothing but their [`Text`] or [`Field`] makes.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+};
}
pub(crate) use texts;

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

    /// Takes one field out of it. `None`: it is refused.
    pub fn take<T: Field<R>, R>(&mut self, name: &str, rules: &R) -> Option<T> {
        let read = match self.rest.remove(name) {
            None => T::absent(rules),
            Some(Value::Null) => T::null(rules),
            Some(value) => T::read(value, rules),
        };
        read.map_err(|fault| self.refuse(name, fault)).ok()
    }

    /// Passes over a field that says what is so already, whether or not it could be asked for now.
    pub fn pass_over(&mut self, name: &str, present: impl Into<Value>) {
        if self.rest.get(name) == Some(&present.into()) {
            self.rest.remove(name);
        }
    }

    fn refuse(&mut self, name: &str, fault: Fault) {
        let pointer = fault.steps.into_iter().fold(Pointer::to(name), Pointer::then);
        self.errors.push(FieldError::new(pointer, fault.code, fault.detail));
    }

    /// Ends the reading: what was not asked for is refused, and so is everything if anything was.
    pub fn finish<T>(mut self, read: Option<T>) -> Result<T, Problem> {
        let unknown = self.rest.keys();
        let unknown = unknown.map(|name| {
            FieldError::new(Pointer::to(name), "unknown_field", "is not a field of this request")
        });
        self.errors.extend(unknown);
        read.filter(|_| self.errors.is_empty()).ok_or_else(|| Problem::fields(self.errors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq)]
    struct Word(String);

    impl Text for Word {
        fn parse(text: &str) -> Result<Self, Fault> {
            Ok(Self(text.to_owned()))
        }

        fn schema() -> Value {
            json!({ "type": "string" })
        }
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
        assert_eq!(fields.take::<Word, _>("name", &()), None);
        assert_eq!(fields.take::<Word, _>("email", &()), None);
        assert_eq!(fields.take::<Option<Word>, _>("region", &()), Some(None));
        let told = told(&fields.finish(Some(())).unwrap_err());
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
