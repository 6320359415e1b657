//! What no route has to say of itself, because its shape says it: the problems it can answer with, the headers that
//! come with every answer, and an example of every body.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    example,
    shape::{Shape, can_answer},
};
use crate::{
    problem::{Code, ProblemDocument},
    rates::{RATE_LIMIT, RATE_LIMIT_POLICY},
};

/// Where a problem's schema is.
const PROBLEM: &str = "#/components/schemas/ProblemDocument";
/// Completes a description.
pub fn complete(description: &mut Value) {
    let schemas = description["components"]["schemas"].clone();
    if let Some(paths) = description["paths"].as_object_mut() {
        for (path, operations) in paths {
            for (method, operation) in operations.as_object_mut().into_iter().flatten() {
                complete_operation(method, path, operation);
                add_examples(operation, &schemas);
            }
        }
    }
    description["components"]["headers"] = headers();
    description["components"]["parameters"]["correlation"] = json!({
        "name": "x-correlation-id", "in": "header", "required": false,
        "description": "Names the request in logs, messages and answers. Made when absent, or not 1 to 128 printable ASCII characters.",
        // Whatever it is, the request is answered.
        "schema": { "type": "string" },
    });
}

fn complete_operation(method: &str, path: &str, operation: &mut Value) {
    operation["operationId"] = operation_id(operation).into();
    let shape = Shape::of(method, path, operation);
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &mut parameters {
        // `?limit=` is the same as nothing.
        if parameter["in"] == "query" {
            parameter["allowEmptyValue"] = true.into();
        }
    }
    parameters.push(json!({ "$ref": "#/components/parameters/correlation" }));
    operation["parameters"] = parameters.into();
    // A body that need not be there is left out; there is no `null` instead.
    if let Some(body) = operation.pointer_mut("/requestBody/content/application~1json/schema")
        && let Some(schema) = body["oneOf"].get(0).cloned()
    {
        *body = schema;
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, codes) in problems(&shape) {
        add_problem(responses.entry(status.to_string()).or_insert(json!({})), status, &codes);
    }
    for (status, response) in responses {
        add_headers(response, status, &shape);
    }
}

/// As a client's methods are called, `tenants_create`: the tag, and what the function that answers is called.
fn operation_id(operation: &Value) -> String {
    let (tag, name) = (operation["tags"][0].as_str(), operation["operationId"].as_str());
    format!("{}_{}", tag.unwrap_or_default().replace(' ', "_"), name.unwrap_or_default())
}

/// Every status a route can refuse or fail with, and the codes under it.
fn problems(shape: &Shape<'_>) -> BTreeMap<u16, Vec<Code>> {
    let mut problems = BTreeMap::<_, Vec<Code>>::new();
    for code in Code::ALL.iter().filter(|code| can_answer(**code, shape)) {
        problems.entry(code.status().as_u16()).or_default().push(*code);
    }
    problems
}

/// Beside what the route itself says of that status: the health routes answer 503 with a report, or with a problem.
fn add_problem(response: &mut Value, status: u16, codes: &[Code]) {
    let examples: Map<_, _> =
        codes.iter().map(|code| (code.as_str().to_owned(), sample(*code, status))).collect();
    if response["description"].as_str().is_none_or(str::is_empty) {
        let told: Vec<_> =
            codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title())).collect();
        response["description"] = told.join("\n\n").into();
    }
    response["content"][ProblemDocument::MEDIA_TYPE] =
        json!({ "schema": { "$ref": PROBLEM }, "examples": examples });
}

fn sample(code: Code, status: u16) -> Value {
    let mut value = json!({
        "type": format!("urn:rp9:problem:{}", code.as_str()), "code": code.as_str(), "title": code.title(),
        "status": status, "detail": code.title(), "trace_id": "0198c0de000070008000000000000001",
    });
    if code == Code::InvalidFields {
        value["detail"] = "One field is not valid.".into();
        value["errors"] = json!([{ "pointer": "/limit", "code": "invalid_limit",
                                   "detail": "must be a number from 1 to 200" }]);
    }
    json!({ "value": value })
}

fn add_headers(response: &mut Value, status: &str, shape: &Shape<'_>) {
    if response["description"].as_str().is_none() {
        response["description"] = "".into();
    }
    let mut add =
        |name: &str| response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    add("x-correlation-id");
    add("x-trace-id");
    let goes_well = status.starts_with('2') || status == "101";
    if shape.is_limited() && (goes_well || status == "429") {
        add(RATE_LIMIT_POLICY.as_str());
        add(RATE_LIMIT.as_str());
    }
    match status {
        "401" => add("www-authenticate"),
        "429" | "503" => add("retry-after"),
        status if status.starts_with('2') && shape.is_command() => add("idempotency-replayed"),
        _ => {}
    }
}

fn headers() -> Value {
    let header = |description: &str, schema: Value, required: bool| json!({ "description": description, "schema": schema, "required": required });
    json!({
        "x-correlation-id": header("The request's name, as given or made.", json!({ "type": "string" }), true),
        "x-trace-id": header("Which trace it is of: 32 hexadecimal digits, to quote, and to look for in logs.", json!({ "type": "string" }), true),
        "www-authenticate": header("How to prove who is asking.", json!({ "type": "string" }), true),
        RATE_LIMIT_POLICY.as_str(): header(
            "What applies to this request: `\"subject\";q=600;w=60` is 600 requests in 60 seconds.",
            json!({ "type": "string" }),
            false,
        ),
        RATE_LIMIT.as_str(): header(
            "What is left of it: `\"subject\";r=599;t=42` is 599 requests in the next 42 seconds.",
            json!({ "type": "string" }),
            false,
        ),
        "retry-after": header("Seconds to wait.", json!({ "type": "integer", "minimum": 1 }), true),
        "idempotency-replayed": header(
            "This is the first answer to this `Idempotency-Key`, given again.",
            json!({ "type": "string", "const": "true" }),
            false,
        ),
    })
}

/// An example of every JSON body, put together from those of its fields.
fn add_examples(operation: &mut Value, schemas: &Value) {
    let (mut bodies, request) = (Vec::new(), operation["requestBody"]["content"].is_object());
    let Some(operation) = operation.as_object_mut() else { return };
    for (name, part) in operation.iter_mut() {
        match name.as_str() {
            "requestBody" if request => bodies.push(part),
            "responses" => bodies.extend(part.as_object_mut().into_iter().flat_map(Map::values_mut)),
            _ => {}
        }
    }
    for body in bodies {
        if let Some(media) = body.get_mut("content").and_then(|content| content.get_mut("application/json")) {
            media["example"] = example::of(&media["schema"], schemas);
        }
    }
}
