//! Examples of bodies, made of the examples of their fields.

use serde_json::{Map, Value, json};

/// How deep schemas refer to each other at most; ours go four levels.
const MAX_DEPTH: usize = 8;

/// Something that this schema describes. Fields without an example get the plainest value of their type.
pub fn of(schema: &Value, schemas: &Value) -> Value {
    at_depth(schema, schemas, MAX_DEPTH)
}

fn at_depth(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let Some(below) = depth.checked_sub(1) else { return Value::Null };
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return at_depth(&schemas[name], schemas, below);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let objects = parts.iter().map(|part| at_depth(part, schemas, below));
        return objects.filter_map(|part| part.as_object().cloned()).flatten().collect::<Map<_, _>>().into();
    }
    // An optional thing is `null` or the thing: the thing says more.
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(choice) = choices.and_then(|all| all.iter().find(|choice| choice["type"] != "null")) {
        return at_depth(choice, schemas, below);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    match kind(schema) {
        "object" => object(schema, schemas, below),
        "array" => json!([at_depth(&schema["items"], schemas, below)]),
        "string" if schema["format"] == "date-time" => json!("2026-08-01T12:00:00Z"),
        "string" => json!("text"),
        "integer" | "number" => json!(1),
        "boolean" => json!(false),
        _ => Value::Null,
    }
}

/// The type, or the one beside `null`.
fn kind(schema: &Value) -> &str {
    let kinds = schema["type"].as_array();
    let named = kinds.and_then(|kinds| kinds.iter().find(|kind| *kind != "null"));
    named.unwrap_or(&schema["type"]).as_str().unwrap_or_default()
}

fn object(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let mut object = Map::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        object.insert(name.clone(), at_depth(field, schemas, depth));
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        object.insert("name".to_owned(), at_depth(values, schemas, depth));
    }
    object.into()
}
