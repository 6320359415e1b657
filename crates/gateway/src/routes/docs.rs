//! `/docs`: the description of this API, to read and to try in a browser. Everything it needs is in this program.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use utoipa_swagger_ui::Config;

use crate::{
    http::precompressed::Precompressed,
    problem::{Answered, Code, Problem},
};

/// The page. It has no script of its own, so that none has to be allowed; its addresses are relative, so that it works
/// under a prefix too.
const PAGE: &str = include_str!("docs/page.html");

/// What the page refers to. Whatever else Swagger UI brings (source maps, a page for OAuth) is not given out.
const FILES: [&str; 5] = [
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-32x32.png",
];

/// Nothing from elsewhere is loaded, asked or framed, whatever the description may say. `data:` is for the icons in the
/// style sheet.
const POLICY: (HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
);
/// Addresses opened from here do not learn where they were opened from.
const NO_REFERRER: (HeaderName, HeaderValue) =
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
/// The files are a megabyte and a half and change with a release.
const KEPT: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));

static PACKED_PAGE: LazyLock<Precompressed> = LazyLock::new(|| Precompressed::new(PAGE));

/// Each of the files that there is, with its kind.
static PACKED_FILES: LazyLock<HashMap<&'static str, (HeaderValue, Precompressed)>> = LazyLock::new(|| {
    let config = config();
    let precompressed = |name: &'static str| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok()??;
        let kind = HeaderValue::try_from(file.content_type).ok()?;
        Some((name, (kind, Precompressed::new(file.bytes.into_owned()))))
    };
    FILES.into_iter().filter_map(precompressed).collect()
});

fn config() -> Arc<Config<'static>> {
    let config = Config::from("openapi.json")
        // Signing is nothing for a page: it would have to be given the key. What only reads can be tried with a token.
        .supported_submit_methods(["get"])
        .validator_url("none")
        .deep_linking(true);
    Arc::new(config)
}

/// This API's description as a page.
#[utoipa::path(
    get, path = "/docs", tag = "docs",
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn page(headers: HeaderMap) -> impl IntoResponse {
    let html = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    ([html, POLICY, NO_REFERRER], PACKED_PAGE.answer(&headers).await)
}

/// What that page consists of.
#[utoipa::path(
    get, path = "/docs/{file}", tag = "docs",
    params(("file" = String, Path, description = "A name in the page")),
    responses(
        (
            status = 200, description = "A style sheet, a script or a picture",
            content((String = "text/css"), (String = "text/javascript"), (String = "image/png"))
        ),
    )
)]
pub async fn file(address: Uri, headers: HeaderMap) -> Answered<Response> {
    // As it is written: none of the names has anything to decode.
    let name = address.path().strip_prefix("/docs/").unwrap_or_default();
    let (kind, text) = PACKED_FILES.get(name).ok_or(Problem::new(Code::NotFound))?;
    // Pictures are compressed already.
    let picture = kind.as_bytes().starts_with(b"image/");
    let file = if picture { text.plain().clone().into_response() } else { text.answer(&headers).await };
    Ok(([(header::CONTENT_TYPE, kind.clone()), POLICY, KEPT], file).into_response())
}
