//! What a request says, declared once: its fields are read and described by one list, so neither knows a field that the other does not.

use serde_json::{Value, json};
use utoipa::openapi::{
    Required,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::Schema,
};

use super::{
    fields::{Field, Fields},
    query,
};
use crate::problem::Problem;

/// A body or a query. `R` is what else has to be known to read it.
pub trait Request<R = ()>: Sized {
    /// Takes its fields out of an object. `None`: at least one is refused, and `fields` knows why.
    fn take(fields: &mut Fields, rules: &R) -> Option<Self>;

    /// Its fields, as the description of the API shows them.
    fn described() -> Vec<Described>;

    /// Reads a body, or tells everything that is wrong with it.
    fn of_body(body: &[u8], rules: &R) -> Result<Self, Problem> {
        Self::of(Fields::of_body(body)?, rules)
    }

    /// Reads a query, or tells everything that is wrong with it.
    fn of_query(query: Option<&str>, rules: &R) -> Result<Self, Problem> {
        Self::of(query::read(query), rules)
    }

    /// Reads an object of which nothing else is wanted.
    fn of(mut fields: Fields, rules: &R) -> Result<Self, Problem> {
        let read = Self::take(&mut fields, rules);
        fields.finish(read)
    }
}

/// Nothing: whatever comes is refused.
impl<R> Request<R> for () {
    fn take(_: &mut Fields, _: &R) -> Option<Self> {
        Some(())
    }

    fn described() -> Vec<Described> {
        Vec::new()
    }
}

/// One field.
#[derive(Debug)]
pub struct Described {
    name: &'static str,
    about: Option<String>,
    required: bool,
    nullable: bool,
    schema: Value,
}

impl Described {
    /// A field of this type; `about` are the lines of its documentation.
    pub fn new<T: Field<R>, R>(name: &'static str, about: &[&str], example: Option<Value>) -> Self {
        let mut schema = T::schema();
        if let Some(example) = example {
            schema["example"] = example;
        }
        Self { name, about: paragraph(about), required: T::REQUIRED, nullable: T::NULLABLE, schema }
    }

    /// As a property of a body.
    fn into_property(self) -> Value {
        let mut schema = self.schema;
        if let Some(about) = self.about {
            schema["description"] = about.into();
        }
        if self.nullable {
            or_null(&mut schema);
        }
        schema
    }

    fn into_parameter(self) -> Parameter {
        parameter(ParameterIn::Query, self.name, self.about.as_deref(), self.schema, self.required)
    }
}

fn or_null(schema: &mut Value) {
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.push(json!({ "type": "null" }));
        return;
    }
    schema["type"] = json!([schema["type"], "null"]);
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}

/// The schema of a body: closed, since fields that nobody asks for are refused.
pub fn body(about: &[&str], fields: Vec<Described>) -> Schema {
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties = fields.into_iter().map(|field| (field.name.to_owned(), field.into_property()));
    let properties: Value = properties.collect::<serde_json::Map<_, _>>().into();
    schema(json!({
        "type": "object", "description": paragraph(about), "properties": properties, "required": required,
        "additionalProperties": false,
    }))
}

/// The parameters of a query.
pub fn query(fields: Vec<Described>) -> Vec<Parameter> {
    fields.into_iter().map(Described::into_parameter).collect()
}

/// A header that need not be there.
pub fn header(name: &str, about: &str, schema: Value) -> Vec<Parameter> {
    vec![parameter(ParameterIn::Header, name, Some(about), schema, false)]
}

fn parameter(place: ParameterIn, name: &str, about: Option<&str>, of: Value, required: bool) -> Parameter {
    let required = if required { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().parameter_in(place).name(name).description(about);
    parameter.required(required).schema(Some(schema(of))).build()
}

/// What is no schema describes nothing; the committed description would show it.
fn schema(said: Value) -> Schema {
    let schema = serde_json::from_value(said.clone()).unwrap_or_default();
    debug_assert!(is_kept(&said, &json!(schema)), "{said} is described as {}", json!(schema));
    schema
}

/// Whether all that was said is in what is described: keywords that do not go together are left out without a word.
fn is_kept(said: &Value, described: &Value) -> bool {
    match (said, described) {
        (Value::Object(said), Value::Object(described)) => said.iter().all(|(keyword, said)| {
            let nothing = said.is_null() || said.as_array().is_some_and(Vec::is_empty);
            nothing || described.get(keyword).is_some_and(|described| is_kept(said, described))
        }),
        (Value::Array(said), Value::Array(described)) => {
            said.len() == described.len()
                && said.iter().zip(described).all(|(said, described)| is_kept(said, described))
        }
        (Value::Number(said), Value::Number(described)) => said.as_f64() == described.as_f64(),
        _ => said == described,
    }
}

fn paragraph(lines: &[&str]) -> Option<String> {
    let lines: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Declares a [`Request`]: a struct whose fields are [`Field`]s. Their comments and examples are the description's. `..page: Page` at the end
/// takes the fields of another request as its own.
macro_rules! request {
    ($(#[doc = $doc:literal])* $vis:vis struct $name:ident: Request { $($fields:tt)* }) => {
        $crate::http::request::request! { $(#[doc = $doc])* $vis struct $name: Request<()> { $($fields)* } }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident: Request<$rules:ty> {
            $($(#[doc = $about:literal])* $(#[example = $example:expr])? $field:ident: $type:ty,)*
            $(..$part:ident: $whole:ty,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        $vis struct $name {
            $($(#[doc = $about])* pub $field: $type,)*
            $(pub $part: $whole,)?
        }

        impl $crate::http::request::Request<$rules> for $name {
            fn take(fields: &mut $crate::http::fields::Fields, rules: &$rules) -> Option<Self> {
                $(let $field = fields.take(stringify!($field), rules);)*
                $(let $part = $crate::http::request::Request::take(fields, rules);)?
                // Only now: all of them are read, whatever is wrong with some.
                Some(Self { $($field: $field?,)* $($part: $part?,)? })
            }

            fn described() -> Vec<$crate::http::request::Described> {
                let own = vec![$(
                    $crate::http::request::Described::new::<$type, $rules>(
                        stringify!($field),
                        &[$($about),*],
                        $crate::http::request::request!(@example $($example)?),
                    )
                ),*];
                let parts = [own, $(<$whole as $crate::http::request::Request<$rules>>::described())?];
                parts.into_iter().flatten().collect()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let fields = <Self as $crate::http::request::Request<$rules>>::described();
                $crate::http::request::body(&[$($doc),*], fields).into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $crate::http::request::query(<Self as $crate::http::request::Request<$rules>>::described())
            }
        }
    };
    (@example) => { None };
    (@example $example:expr) => { Some(serde_json::json!($example)) };
}
pub(crate) use request;

#[cfg(test)]
mod tests {
    use utoipa::{IntoParams, PartialSchema};

    use super::*;
    use crate::{
        http::cursor::Page,
        tenants::words::{Name, Reason},
    };

    request! {
        /// What is tried.
        struct Tried: Request {
            /// How it is called.
            #[example = "Acme"]
            name: Name,
            reason: Option<Reason>,
            ..page: Page,
        }
    }

    fn json(of: impl serde::Serialize) -> Value {
        serde_json::to_value(of).unwrap()
    }

    #[test]
    fn everything_wrong_is_told_and_what_is_right_is_read() {
        let wrong = Tried::of_query(Some("reason=%00&limit=0&other=1"), &()).unwrap_err();
        let told: Vec<_> = wrong.errors().iter().map(|error| json(error)["pointer"].clone()).collect();
        assert_eq!(told, ["/name", "/reason", "/limit", "/other"]);
        let read = Tried::of_query(Some("name=%20Acme&limit=7"), &()).unwrap();
        assert_eq!((read.name.as_str(), read.reason, read.page.size), ("Acme", None, 7));
        assert!(<()>::of_body(br#"{"name":"Acme"}"#, &()).is_err() && <()>::of_body(b"", &()).is_ok());
    }

    #[test]
    fn a_body_is_closed_and_what_need_not_be_there_may_be_null() {
        let body = json(Tried::schema());
        assert_eq!(
            (&body["description"], &body["additionalProperties"]),
            (&json("What is tried."), &json(false))
        );
        assert_eq!(body["required"], json!(["name"]));
        let name = json!({ "type": "string", "minLength": 1, "maxLength": 120, "pattern": "\\S", "example": "Acme",
                           "description": "How it is called." });
        assert_eq!(body["properties"]["name"], name);
        assert_eq!(body["properties"]["reason"]["type"], json!(["string", "null"]));
    }

    #[test]
    fn a_parameter_is_never_null() {
        let parameters = json(Tried::into_params(|| None));
        let said: Vec<_> =
            parameters.as_array().unwrap().iter().map(|p| (&p["name"], &p["required"])).collect();
        let names = ["name", "reason", "limit", "cursor"].map(json);
        assert_eq!(said, names.iter().zip([true, false, false, false].map(json).iter()).collect::<Vec<_>>());
        assert_eq!(parameters[1]["schema"]["type"], "string");
    }
}
