//! Calls that would get a page, and could be kept: the gateway's holder is asked to. Where it does not answer, or does not want one, the page is shown.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, Method, header, request::Parts},
    response::Response,
};
use common::error::chain;
use edge::{
    EdgeToken,
    held::{DELIVERY_HEADER, MOST_BODY, NOT_HELD, TOKEN_HEADER, is_form, is_held},
};
use reqwest::Client;
use url::Url;

const CONNECTS_WITHIN: Duration = Duration::from_secs(2);

/// The gateway's holder.
#[derive(Clone, Debug)]
pub struct Holder {
    client: Client,
    url: Url,
    token: HeaderValue,
}

impl Holder {
    /// The one at this base URL.
    pub fn at(url: Url, token: &EdgeToken) -> anyhow::Result<Self> {
        let mut token = HeaderValue::from_str(&token.authorization())?;
        token.set_sensitive(true);
        let client = Client::builder()
            .connect_timeout(CONNECTS_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .build()?;
        Ok(Self { client, url, token })
    }

    /// Has a call held; gives back what is left of it if it is to get the page.
    pub async fn hold(&self, parts: &Parts, body: Body) -> Result<Response, Body> {
        let target = parts.uri.path_and_query().map(|target| target.as_str());
        let url = target
            .and_then(|target| self.url.join(target).ok())
            .filter(|url| url.origin() == self.url.origin());
        let Some(url) = url.filter(|_| may_be_held(parts)) else { return Err(body) };
        let mut headers = parts.headers.clone();
        for name in [
            header::CONNECTION,
            header::TRANSFER_ENCODING,
            header::CONTENT_LENGTH,
            header::EXPECT,
            header::UPGRADE,
        ] {
            headers.remove(name);
        }
        headers.insert(TOKEN_HEADER, self.token.clone());
        let body = reqwest::Body::wrap_stream(body.into_data_stream());
        let asked = self.client.request(parts.method.clone(), url).headers(headers).body(body).send().await;
        // What was read of it is gone, and the page needs none of it.
        match asked {
            Ok(answer) if answer.status() != NOT_HELD => Ok(passed_on(answer)),
            Ok(_) => Err(Body::empty()),
            Err(error) => {
                tracing::warn!(error = chain(&error.without_url()), "the holder does not answer");
                Err(Body::empty())
            }
        }
    }
}

/// Whether it would be held, but for its length: n8n takes no such call either.
pub fn is_too_long(parts: &Parts) -> bool {
    let length =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    may_be_held(parts) && length.is_some_and(|length: usize| length > MOST_BODY)
}

/// What runs a workflow, unless it was held before. A browser that asks whether it may, or for the page of a form, needs its answer now.
fn may_be_held(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let runs = match parts.method {
        Method::GET => !is_form(path),
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE => true,
        _ => false,
    };
    let held_before = parts.headers.contains_key(DELIVERY_HEADER);
    runs && is_held(path) && !held_before && !parts.headers.contains_key(header::UPGRADE)
}

fn passed_on(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn held(path: &str, header: Option<&str>) -> bool {
        let request = Request::post(path);
        let request = match header {
            Some(name) => request.header(name, "1"),
            None => request,
        };
        may_be_held(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn what_a_browser_asks_before_it_sends_is_answered_at_once() {
        let asked = |method: Method, path: &str| {
            may_be_held(&Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0)
        };
        assert!(asked(Method::GET, "/webhook/x") && asked(Method::POST, "/form/y"));
        for (method, path) in [
            (Method::OPTIONS, "/webhook/x"),
            (Method::HEAD, "/webhook/x"),
            (Method::GET, "/form/y"),
            (Method::GET, "/form-waiting/7"),
        ] {
            assert!(!asked(method.clone(), path), "{method} {path}");
        }
        assert!(!held("/webhook/x", Some("upgrade")), "a socket");
    }

    #[test]
    fn what_n8n_would_not_take_is_too_long() {
        let long = |path: &str, length: &str| {
            let request = Request::post(path).header("content-length", length).body(()).unwrap();
            is_too_long(&request.into_parts().0)
        };
        assert!(long("/webhook/x", "16777217"));
        for (path, length) in [("/webhook/x", "16777216"), ("/webhook/x", "many"), ("/rest/x", "16777217")] {
            assert!(!long(path, length), "{path} {length}");
        }
    }

    #[test]
    fn what_runs_a_workflow_is_held_once() {
        for path in
            ["/webhook/x", "/Webhook/x", "/form/y", "/webhook-waiting/7", "/webhook-waiting-slack", "/mcp/x"]
        {
            assert!(held(path, None), "{path}");
            assert!(!held(path, Some(DELIVERY_HEADER)), "it was held before: {path}");
        }
        for path in ["/", "/rest/login", "/webhook-test/x", "/webhooks", "/mcp-server/x"] {
            assert!(!held(path, None), "{path}");
        }
    }
}
