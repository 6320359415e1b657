//! `/openapi.json`: the description of this API, made of its code.

mod complete;
mod example;
mod shape;

use std::sync::Arc;

use axum::{Extension, response::IntoResponse};
use http::{HeaderMap, header};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{http::precompressed::Precompressed, problem::ProblemDocument};

/// The description's frame; the routes bring the rest.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "RP9 Orchestrator",
        version = "1",
        // Shown above the operations in `/docs`. Its examples are run by a test.
        description = include_str!("openapi/guide.md")
    ),
    modifiers(&Authority),
    // No route names it: which problems each can answer with is added for all of them (`complete`).
    components(schemas(ProblemDocument)),
    tags((name = "tenants"), (name = "plans"), (name = "shared instances"), (name = "sandboxes"), (name = "held calls"), (name = "rollouts"), (name = "operations"), (name = "schedules"), (name = "events"), (name = "dead letters"), (name = "audit"), (name = "keys"), (name = "health"), (name = "docs"))
)]
struct Frame;

/// What the description begins with.
pub fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// How callers prove who they are.
struct Authority;

impl Modify for Authority {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT, or an API key").build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let headers = [
            ("timestamp", "x-rp9-timestamp", "Unix seconds, at most 300 off."),
            (
                "signature",
                "x-rp9-signature",
                "`v2=` and the hexadecimal HMAC-SHA256 of timestamp, method, path with query, hexadecimal SHA-256 of \
                 the body and idempotency key (or nothing), joined by line feeds.",
            ),
        ];
        for (name, header, description) in headers {
            let key = ApiKey::Header(ApiKeyValue::with_description(header, description));
            components.add_security_scheme(name, SecurityScheme::ApiKey(key));
        }
    }
}

/// The description, written out once.
#[derive(Clone)]
pub struct Document(Arc<Precompressed>);

impl Document {
    /// Writes it out.
    pub fn of(description: &utoipa::openapi::OpenApi) -> Self {
        let mut description = serde_json::to_value(description).unwrap_or_default();
        complete::complete(&mut description);
        Self(Arc::new(Precompressed::new(description.to_string())))
    }

    /// As JSON.
    pub fn into_text(self) -> String {
        String::from_utf8_lossy(self.0.plain()).into_owned()
    }
}

/// The description of this API (OpenAPI 3.1).
#[utoipa::path(
    get, path = "/openapi.json", tag = "docs",
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub async fn describe(Extension(document): Extension<Document>, headers: HeaderMap) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document.0.answer(&headers).await)
}
