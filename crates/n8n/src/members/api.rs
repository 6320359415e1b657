//! n8n's public API, asked with the platform's key.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Main, MemberError};

/// Longer than n8n needs for whatever it does in one request: deleting somebody with all they have takes seconds, on a busy machine more.
const TIMEOUT: Duration = Duration::from_secs(120);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What n8n made of a request, as far as that depends on what it was about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// There is no such thing.
    Gone(String),
    /// Not as things are.
    Refused(StatusCode, String),
}

/// A kept connection would outlive the main's replacement.
pub(super) fn client() -> Result<Client, reqwest::Error> {
    let client = Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT).no_proxy();
    client.redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0).build()
}

/// Asks once. `path` is what follows `/api/v1/`, part by part.
pub(super) async fn ask(
    client: &Client,
    main: &Main,
    method: Method,
    path: &[&str],
    body: Option<Value>,
) -> Result<Answer, MemberError> {
    let url = below(&main.address, &[&["api", "v1"], path].concat())?;
    let request = client.request(method, url).header("x-n8n-api-key", main.key.expose_secret());
    let request = request.json(&body.unwrap_or_else(|| json!({})));
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    // Only n8n's API says so in JSON: a proxy's 404, or that of a main that has no routes yet, is nobody's word.
    let message = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|body| body["message"].as_str().map(str::to_owned));
    read(status, message)
}

/// The path of these parts, below whatever path the address has.
pub(super) fn below(address: &Url, path: &[&str]) -> Result<Url, MemberError> {
    let mut url = address.clone();
    let parts = url.path_segments_mut().map(|mut parts| {
        parts.pop_if_empty().extend(path);
    });
    let unusable =
        |()| MemberError::Unavailable(format!("its address is no base for paths: {address}").into());
    parts.map_err(unusable).map(|()| url)
}

fn read(status: StatusCode, message: Option<String>) -> Result<Answer, MemberError> {
    if status.is_success() {
        return Ok(Answer::Done);
    }
    match (status, message) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => Err(MemberError::Key),
        (StatusCode::NOT_FOUND, Some(message)) => Ok(Answer::Gone(message)),
        (
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY,
            Some(message),
        ) => Ok(Answer::Refused(status, message)),
        (status, message) => {
            let message = message.unwrap_or_else(|| "nothing that n8n says".to_owned());
            Err(MemberError::Answered { status: status.as_u16(), message })
        }
    }
}

fn failed(error: reqwest::Error) -> MemberError {
    // A connection that does not come about in time has done nothing.
    if error.is_timeout() && !error.is_connect() {
        MemberError::TooSlow(error.without_url().into())
    } else {
        MemberError::Unavailable(error.without_url().into())
    }
}

#[cfg(test)]
mod tests {
    use common::error::{Classify as _, Kind};

    use super::*;

    #[test]
    fn only_n8ns_own_word_makes_something_gone() {
        let gone = Answer::Gone("no".into());
        assert_eq!(read(StatusCode::NOT_FOUND, Some("no".into())).unwrap(), gone);
        assert_eq!(read(StatusCode::NOT_FOUND, None).unwrap_err().kind(), Kind::Upstream);
        assert_eq!(read(StatusCode::SERVICE_UNAVAILABLE, None).unwrap_err().kind(), Kind::Upstream);
        assert_eq!(read(StatusCode::UNAUTHORIZED, Some("no".into())).unwrap_err().kind(), Kind::Internal);
        assert_eq!(read(StatusCode::NO_CONTENT, None).unwrap(), Answer::Done);
    }

    #[test]
    fn an_id_stays_one_part_of_the_path() {
        let main = "http://10.0.0.1:5678".parse().unwrap();
        let url = below(&main, &["api", "v1", "workflows", "a/../../b?c", "activate"]).unwrap();
        assert_eq!(url.as_str(), "http://10.0.0.1:5678/api/v1/workflows/a%2F..%2F..%2Fb%3Fc/activate");
    }

    #[test]
    fn an_n8n_may_be_below_a_path() {
        for (address, asked) in [
            ("http://10.0.0.1:5678", "http://10.0.0.1:5678/api/v1/users"),
            ("http://edge:8002/ten_a", "http://edge:8002/ten_a/api/v1/users"),
            ("https://example.com/flows/n8n/", "https://example.com/flows/n8n/api/v1/users"),
        ] {
            let url = below(&address.parse().unwrap(), &["api", "v1", "users"]).unwrap();
            assert_eq!(url.as_str(), asked);
        }
        assert!(below(&"mailto:somebody@example.com".parse().unwrap(), &["users"]).is_err());
    }
}
