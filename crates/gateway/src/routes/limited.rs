//! What the description says of rate limits: the same for every route that wants a token, so it is said here once.

use http::{HeaderName, header};
use utoipa::openapi::{
    Content, Header, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type, path::Operation,
    path::PathItem,
};

use crate::{
    problem::ProblemDocument,
    rates::{RATE_LIMIT, RATE_LIMIT_POLICY},
};

/// Adds the fields to every answer that goes well, and the 429.
pub fn describe(description: &mut OpenApi) {
    for operation in description.paths.paths.values_mut().flat_map(operations) {
        if operation.security.as_ref().is_some_and(|wanted| !wanted.is_empty()) {
            describe_one(operation);
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = path;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

fn describe_one(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let (true, RefOr::T(response)) = (status.starts_with('2') || status == "101", response) {
            insert_fields(response);
        }
    }
    let body = Content::new(Some(Ref::from_schema_name("ProblemDocument")));
    let mut refused = ResponseBuilder::new()
        .description("Too many requests of this subject, or too many such requests for this tenant.")
        .content(ProblemDocument::MEDIA_TYPE, body)
        .build();
    insert_fields(&mut refused);
    insert(&mut refused, &header::RETRY_AFTER, Type::Integer, "Seconds until there is room again.");
    responses.insert("429".to_owned(), RefOr::T(refused));
}

fn insert_fields(response: &mut Response) {
    let policy = "What applies to this request, as a structured field: `\"subject\";q=600;w=60` is 600 requests in 60 seconds.";
    insert(response, &RATE_LIMIT_POLICY, Type::String, policy);
    let limit = "What is left of it: `\"subject\";r=599;t=42` is 599 requests in the next 42 seconds.";
    insert(response, &RATE_LIMIT, Type::String, limit);
}

fn insert(response: &mut Response, name: &HeaderName, kind: Type, description: &str) {
    let mut header = Header::new(ObjectBuilder::new().schema_type(kind));
    header.description = Some(description.to_owned());
    response.headers.insert(name.to_string(), RefOr::T(header));
}
