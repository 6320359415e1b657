//! The API: requests that prove who asks, repeated while that may help.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use reqwest::{Client, RequestBuilder, Response, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Position, Url};

use super::{
    Answer, Credential, Request, Trouble, Unreachable, attempt,
    signing::{Signable, signature, unix_seconds},
};
use crate::{
    failure::{Away, Failure},
    output::Notes,
};

/// The gateway answers within 10 s or says that it cannot; the rest is the way there and back.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a profile comes to.
#[derive(Debug)]
pub struct Place {
    pub url: Url,
    pub credential: Credential,
    /// None for those who only look.
    pub signing_key: Option<SecretString>,
}

/// The API of one gateway, or of several behind one address.
#[derive(Debug)]
pub struct Api {
    client: Client,
    place: Place,
    /// For how long a request is repeated.
    patience: Duration,
    notes: Notes,
}

impl Api {
    /// Connects to nothing yet.
    pub fn new(place: Place, patience: Duration, notes: Notes) -> Result<Self, Failure> {
        // Already there only in tests.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let mut client = Client::builder()
            .user_agent(concat!("rp9/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            // A signature holds for one target; what is elsewhere has no business with it.
            .redirect(redirect::Policy::none());
        if is_this_machine(&place.url) {
            client = client.no_proxy();
        } else if place.url.scheme() == "http" {
            notes.warn(&format!("{} is not encrypted: whoever is on the way can read the token.", place.url));
        }
        let client = client.build().map_err(|error| {
            Failure::Usage(format!("No HTTPS: {}. Are CA certificates installed?", Unreachable::of(&error)))
        })?;
        Ok(Self { client, place, patience, notes })
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        self.place.url.as_str().trim_end_matches('/')
    }

    /// In whose name, for those who were refused.
    pub fn who(&self) -> String {
        self.place.credential.describe()
    }

    /// Sends it until there is an answer that will not change, or patience is over.
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        self.send_within(request, Duration::ZERO).await
    }

    /// The same with at least so much patience.
    pub async fn send_within(&self, request: &Request, patience: Duration) -> Result<Answer, Failure> {
        arrives_as_it_is(&request.target)?;
        let (began, patience) = (Instant::now(), self.patience.max(patience));
        let left = || patience.saturating_sub(began.elapsed());
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times();
        (async || self.attempt(request).await)
            .retry(pauses.build())
            .when(Trouble::is_passing)
            .adjust(|trouble, planned| pause(trouble.retry_after(), planned, left()))
            .notify(|trouble, pause| self.notes.retrying(trouble, pause))
            .await
            .map_err(|trouble| self.give_up(trouble, request, began.elapsed()))
    }

    /// Sends it once.
    pub async fn attempt(&self, request: &Request) -> Result<Answer, Trouble> {
        let outgoing = self.prove(request).timeout(ANSWER_WITHIN);
        attempt::read(outgoing.send().await.map_err(Trouble::unreachable)?).await
    }

    /// Opens a stream of events, once, where the last one broke off.
    pub async fn stream(
        &self,
        target: &str,
        last_event_id: Option<&str>,
    ) -> Result<Response, reqwest::Error> {
        let mut outgoing = self.prove(&Request::get(target)).header(header::ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id {
            outgoing = outgoing.header("last-event-id", id);
        }
        outgoing.send().await?.error_for_status()
    }

    /// Token and signature, made anew: both carry the time. Reads are signed too, for gateways that want it.
    fn prove(&self, request: &Request) -> RequestBuilder {
        let Request { method, target, body, idempotency_key } = request;
        let (url, arriving) = locate(&self.place.url, target);
        let body = body.clone().unwrap_or_default();
        let key = idempotency_key.as_deref().unwrap_or_default();
        let mut outgoing = self.client.request(method.clone(), url);
        // HMAC takes keys of any length, so neither fails; without one the gateway would say what is missing.
        if let Ok(token) = self.place.credential.token() {
            outgoing = outgoing.bearer_auth(token.expose_secret());
        }
        let timestamp = unix_seconds();
        let signable = Signable {
            timestamp,
            method: method.as_str(),
            target: &arriving,
            body: &body,
            idempotency_key: key,
        };
        let signed = self.place.signing_key.as_ref().and_then(|secret| signature(secret, &signable));
        if let Some(signed) = signed {
            outgoing = outgoing.header("x-rp9-timestamp", timestamp).header("x-rp9-signature", signed);
        }
        if !key.is_empty() {
            outgoing = outgoing.header("idempotency-key", key);
        }
        if body.is_empty() {
            outgoing
        } else {
            outgoing.header(header::CONTENT_TYPE, "application/json").body(body)
        }
    }

    fn give_up(&self, last: Trouble, request: &Request, waited: Duration) -> Failure {
        if let Trouble::Refused(refusal) = last {
            return Failure::Refused(refusal);
        }
        let unsent = matches!(&last, Trouble::Unreachable(why) if why.is_unsent());
        let idempotency_key = request.idempotency_key.clone().filter(|_| !unsent);
        Failure::Away(Box::new(Away { base: self.base().to_owned(), last, waited, idempotency_key }))
    }
}

/// How long to wait before the next attempt, if there is one: as long as the API says or not at all, otherwise as planned and at most
/// until patience ends.
fn pause(asked: Option<Duration>, planned: Option<Duration>, left: Duration) -> Option<Duration> {
    match asked {
        Some(asked) => Some(asked.max(FIRST_PAUSE)).filter(|asked| *asked <= left),
        None => planned.map(|planned| planned.min(left)).filter(|pause| !pause.is_zero()),
    }
}

/// Where a request goes, and its target as it arrives: a prefix of a proxy's is gone by the time the signature is checked.
fn locate(base: &Url, target: &str) -> (Url, String) {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{prefix}{path}"));
    url.set_query(query);
    let arriving = url[Position::BeforePath..].strip_prefix(prefix).unwrap_or(target).to_owned();
    (url, arriving)
}

/// Whether a target is what arrives. Parts of a path that are `.` or `..`, however they are written, would be resolved before anything is
/// signed, and a request about one thing would become one about another.
fn arrives_as_it_is(target: &str) -> Result<(), Failure> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let leads_elsewhere =
        |part: &str| [".", ".."].contains(&part.to_ascii_lowercase().replace("%2e", ".").as_str());
    if !path.split('/').any(leads_elsewhere) && !path.contains(['\\', '\t', '\n', '\r']) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "The path {path:?} would lead elsewhere: write it without backslashes, and without `.` and `..` as parts of it."
    )))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_used_up_and_never_overdrawn() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (asked, planned, left, expected) in [
            (None, seconds(1), 30, seconds(1)),
            (None, seconds(5), 2, seconds(2)),
            (None, seconds(5), 0, None),
            (seconds(7), seconds(1), 30, seconds(7)),
            (seconds(60), seconds(1), 30, None),
            (seconds(0), seconds(1), 30, Some(FIRST_PAUSE)),
            (seconds(0), seconds(1), 0, None),
        ] {
            assert_eq!(
                pause(asked, planned, Duration::from_secs(left)),
                expected,
                "{asked:?} {planned:?} {left}"
            );
        }
    }

    #[test]
    fn what_is_signed_is_what_arrives_behind_a_proxy() {
        for base in ["https://rp9.example/api/", "https://rp9.example/api", "https://rp9.example"] {
            let (url, arriving) = locate(&base.parse().unwrap(), "/tenants/a b?q=%26&x=ü");
            assert_eq!(arriving, "/tenants/a%20b?q=%26&x=%C3%BC");
            assert_eq!(url.as_str(), format!("{}{arriving}", base.trim_end_matches('/')));
        }
    }

    #[test]
    fn what_would_lead_elsewhere_is_not_sent() {
        for target in ["/", "/tenants/a.b", "/tenants/...", "/x?then=/../y", "/tenants/a%2Fb"] {
            assert!(arrives_as_it_is(target).is_ok(), "{target}");
        }
        for target in [
            "/..",
            "/tenants/..",
            "/tenants/./x",
            "/a/../b?c",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a\\..\\b",
            "/a/.\t./b",
        ] {
            assert!(arrives_as_it_is(target).is_err(), "{target}");
        }
    }

    #[test]
    fn only_this_machine_needs_no_encryption() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]", true),
            ("http://rp9.localhost", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(is_this_machine(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
